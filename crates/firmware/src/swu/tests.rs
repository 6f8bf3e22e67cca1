//! Tests of what an SWUpdate image has to hold, on archives made for the purpose.

use super::archive::Archive;
use super::*;

const HARDWARE: &str = "hardware-compatibility = [ \"rev1\" ];";

/// A description with these settings besides its version.
fn described(settings: &str) -> Archive {
    Archive::described(&format!("software = {{ version = \"1\"; {settings} }};"))
}

fn read(bytes: &[u8]) -> Result<Contents, String> {
    let mut reader = Box::new(SwuReader::new());
    reader.push(bytes).map_err(|error| error.to_string())?;
    reader.finish().map_err(|error| error.to_string())
}

fn findings(archive: &Archive) -> Vec<Finding> {
    read(&archive.padded())
        .map(|contents| contents.findings)
        .unwrap()
}

fn refusal(archive: &Archive) -> String {
    match read(&archive.padded()) {
        Ok(_) => panic!("accepted"),
        Err(message) => message,
    }
}

fn sha256(content: &[u8]) -> Digest<32> {
    Digest::new(Sha256::digest(content).into())
}

#[test]
fn a_sound_image_has_no_findings() {
    let files = format!(
        "{HARDWARE} files = ( {{ filename = \"a\"; sha256 = \"{}\"; }} );",
        sha256(b"content")
    );
    let archive = described(&files)
        .with(SIGNATURE, b"sig")
        .with("a", b"content");
    let contents = read(&archive.padded()).unwrap();
    assert_eq!(contents.version.as_deref(), Some("1"));
    assert_eq!(contents.hardware, ["rev1"]);
    assert!(contents.signed);
    assert_eq!(
        contents.parts,
        [Part {
            name: "a".into(),
            size: 7,
            digest: sha256(b"content")
        }]
    );
    assert_eq!(contents.findings, []);
}

#[test]
fn oddities_are_findings() {
    let member = || "a".to_owned();
    let listed =
        format!("{HARDWARE} files = ( {{ filename = \"a\"; }}, {{ filename = \"a\"; }} );");
    for (archive, expected) in [
        (described(""), Finding::NoHardware),
        (
            described(HARDWARE).with("a", b""),
            Finding::UnlistedMember { member: member() },
        ),
        (
            described(&listed).with("a", b""),
            Finding::NoDigest { member: member() },
        ),
        (
            described(HARDWARE).with(SIGNATURE, b""),
            Finding::EmptySignature,
        ),
        (
            Archive::described("{ \"software\": {} }").with("a", b""),
            Finding::DescriptionNotRead,
        ),
    ] {
        assert_eq!(findings(&archive), [expected]);
    }
    let repeated = described(&listed)
        .with("a", b"")
        .with("a", b"1")
        .with("a", b"2");
    assert!(findings(&repeated).contains(&Finding::RepeatedMember { member: member() }));
    assert_eq!(findings(&repeated).len(), 2);
}

#[test]
fn the_end_of_the_file_is_looked_at() {
    let archive = described(HARDWARE);
    assert_eq!(read(&archive.end()).unwrap().findings, [Finding::NotPadded]);
    let mut followed = archive.padded();
    followed.push(1);
    assert!(matches!(
        read(&followed).unwrap().findings[..],
        [Finding::TrailingBytes { .. }]
    ));
}

#[test]
fn members_out_of_place_are_refused() {
    let sound = described(HARDWARE);
    for (archive, expected) in [
        (
            Archive::new("070701"),
            "\"TRAILER!!!\" at byte 0 is out of place",
        ),
        (
            Archive::new("070701").with("etc/passwd", b""),
            "the first member of an SWUpdate image is sw-description",
        ),
        (
            sound.clone().with(DESCRIPTION, b""),
            "sw-description comes once, as the first member",
        ),
        (
            sound.clone().with("a", b"").with(SIGNATURE, b"s"),
            "right after sw-description",
        ),
        (
            sound.with(SIGNATURE, b"s").with(SIGNATURE, b"s"),
            "the signature comes once",
        ),
    ] {
        let message = refusal(&archive);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn files_have_to_be_there_and_to_be_right() {
    let files = format!(
        "{HARDWARE}\nimages = ( {{ filename = \"a\"; sha256 = \"{}\"; }} );",
        sha256(b"a")
    );
    let missing = refusal(&described(&files).with("b", b"b"));
    assert!(
        missing.contains("line 2, column 14, names the file \"a\", which is not in the archive"),
        "{missing}"
    );
    let wrong = refusal(&described(&files).with("a", b"b"));
    assert!(
        wrong.contains(&format!(
            "is {}, sw-description says {}",
            sha256(b"b"),
            sha256(b"a")
        )),
        "{wrong}"
    );
}

#[test]
fn a_file_named_twice_has_to_match_both_times() {
    let entry =
        |content: &[u8]| format!("{{ filename = \"a\"; sha256 = \"{}\"; }}", sha256(content));
    let archive = |second: &[u8]| {
        described(&format!(
            "{HARDWARE} files = ( {}, {} );",
            entry(b"a"),
            entry(second)
        ))
        .with("a", b"a")
    };
    assert_eq!(findings(&archive(b"a")), []);
    assert!(refusal(&archive(b"b")).contains("the sha256 of \"a\""));
}

#[test]
fn limits_hold() {
    let mut large = Archive::described(&" ".repeat(1024 * 1024 + 1));
    let message = refusal(&large);
    assert!(
        message.contains("sw-description in bytes is 1048577, and the limit is 1048576"),
        "{message}"
    );
    large = described(HARDWARE);
    for index in 0..MEMBER_LIMIT {
        large.add(&index.to_string(), b"");
    }
    assert!(refusal(&large).contains("members in the archive is 1025, and the limit is 1024"));
}
