//! Tests of the archive reader.

use super::*;
use crate::swu::archive::Archive;

/// Names and contents.
type Members = Vec<(String, Vec<u8>)>;

/// Reads in chunks of `step` bytes.
fn read(bytes: &[u8], step: usize) -> Result<(Members, Ending), ImageError> {
    let mut reader = CpioReader::new();
    let mut members = Members::new();
    for mut chunk in bytes.chunks(step) {
        while let Some(event) = reader.next(&mut chunk)? {
            match event {
                Event::Begin(member) => members.push((member.name, Vec::new())),
                Event::Content(content) => members.last_mut().unwrap().1.extend(content),
                Event::End => {}
            }
        }
        assert!(chunk.is_empty());
    }
    Ok((members, reader.finish()?))
}

fn message(bytes: &[u8]) -> String {
    read(bytes, 7).unwrap_err().to_string()
}

#[test]
fn members_come_out_whole_however_the_bytes_are_cut() {
    for magic in ["070701", "070702"] {
        let mut archive = Archive::new(magic);
        let sizes = [0, 1, 2, 3, 4, 5, 511, 512];
        for size in sizes {
            archive.add(&format!("file-{size}"), &vec![0xff; size]);
        }
        let bytes = archive.padded();
        let whole = read(&bytes, bytes.len()).unwrap();
        assert_eq!(whole.1, Ending::Padded);
        for (size, (name, content)) in sizes.iter().zip(&whole.0) {
            assert_eq!((name, content.len()), (&format!("file-{size}"), *size));
        }
        for step in [1, 2, 3, 109, 110, 111] {
            assert_eq!(read(&bytes, step).unwrap(), whole, "chunks of {step}");
        }
    }
}

#[test]
fn the_sum_is_checked_in_the_crc_kind_only() {
    for (magic, refused) in [("070701", false), ("070702", true)] {
        let mut bytes = Archive::new(magic).with("a", b"content").padded();
        let at = bytes
            .windows(7)
            .position(|window| window == b"content")
            .unwrap();
        bytes[at] += 1;
        assert_eq!(read(&bytes, 5).is_err(), refused, "{magic}");
    }
}

#[test]
fn the_largest_size_a_header_can_state_is_just_a_missing_rest() {
    let mut bytes = Archive::new("070701").with("a", b"").end();
    bytes[54..62].copy_from_slice(b"FFFFFFFF");
    assert!(
        message(&bytes)
            .contains("inside the content of \"a\", at least 4294967171 bytes too early")
    );
}

#[test]
fn damaged_headers_and_names_say_what_and_where() {
    let good = Archive::new("070702").with("name", b"abc").end();
    let damaged = |at: usize, with: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        message(&bytes)
    };
    for (at, with, expected) in [
        (
            0,
            &b"070707"[..],
            "at byte 0 a cpio member should begin with 070701",
        ),
        (
            120,
            b"x",
            "at byte 120 a cpio member should begin with 070701",
        ),
        (
            54,
            b"0000000g",
            "at byte 0 has \"0000000g\" as its file size",
        ),
        (54, b"+0000003", "has \"+0000003\" as its file size"),
        (94, b" 0000005", "has \" 0000005\" as its name size"),
        (
            94,
            b"00001001",
            "a member's name in bytes is 4097, and the limit is 4096",
        ),
        (94, b"00000000", "is not closed with a zero byte"),
        (
            102,
            b"\n\n\n\n\n\n\n\n",
            r#"has "\n\n\n\n\n\n\n\n" as its checksum"#,
        ),
        (110, b"\0\0\0\0", "a name that is empty"),
        (110, b"a\0me", "is not closed with a zero byte"),
        (114, b"x", "is not closed with a zero byte"),
        (110, b"\xff", "is not UTF-8"),
        (110, b"\n", "has control characters"),
        (110, b"/", "leads out of the archive"),
        (110, b"../a", "leads out of the archive"),
    ] {
        let message = damaged(at, with);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn what_follows_the_trailer_is_told_apart() {
    let archive = Archive::new("070701").with("a", b"x");
    assert_eq!(read(&archive.padded(), 9).unwrap().1, Ending::Padded);
    assert_eq!(read(&archive.end(), 9).unwrap().1, Ending::NotPadded);
    let mut followed = archive.padded();
    followed.extend(b"\0more");
    let bytes = (followed.len() - archive.end().len()) as u64;
    assert_eq!(read(&followed, 9).unwrap().1, Ending::Followed { bytes });
    let mut cut = archive.padded();
    cut.pop();
    assert!(
        message(&cut).contains("ends at byte 511, inside the zeros"),
        "{}",
        message(&cut)
    );
}

#[test]
fn every_cut_is_told_with_what_was_being_read() {
    let bytes = Archive::new("070702").with("name", b"abc").end();
    for (len, expected) in [
        (
            4,
            "inside the header of a cpio member, at least 106 bytes too early",
        ),
        (
            112,
            "inside the name of a cpio member, at least 4 bytes too early",
        ),
        (
            118,
            "inside the content of \"name\", at least 1 bytes too early",
        ),
        (
            119,
            "inside the padding of a cpio member, at least 1 bytes too early",
        ),
        (
            120,
            "ends at byte 120, inside the archive, before its TRAILER!!! member",
        ),
    ] {
        let message = message(&bytes[..len]);
        assert!(message.contains(expected), "{len}: {message}");
    }
}
