//! Images as real tools make them, sound and damaged: what is said of each, and that no way of cutting, changing or
//! inventing bytes does harm.

use fleetward_firmware::{Digest, Finding, Format, Image, ImageError, Inspector, Part};
use proptest::prelude::*;

const PAYLOAD_A: &str = "5d64b11ef6af50477c58b791b720c337307930e002fad7187c2ba2fc13b66e60";
/// Where the trailer of `SIGNED` ends and its zeros begin.
const SIGNED_TRAILER_END: usize = 22196;

/// The bytes of a sample.
macro_rules! sample {
    ($path:literal) => {
        include_bytes!(concat!("samples/", $path)).as_slice()
    };
}

const SIGNED: &[u8] = sample!("swupdate-cms-1.1.0.swu");
const FLIPPED: &[u8] = sample!("bad/swupdate-flipped-byte.swu");
const WRONG_SHA256: &[u8] = sample!("bad/swupdate-wrong-sha256.swu");
const SIGNED_NEWC: &[u8] = sample!("swupdate-cms-newc-1.2.0.swu");

fn inspect<'a>(
    file_name: &str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Image, ImageError> {
    let mut inspector = Inspector::new(file_name);
    for chunk in chunks {
        inspector.push(chunk);
    }
    inspector.finish()
}

/// The bytes in pieces of these sizes; what is left is the last piece.
fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    for size in sizes {
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);
    chunks
}

#[test]
fn sound_swupdate_images() {
    for (bytes, version, signed, sha256) in [
        (
            SIGNED,
            "1.1.0",
            true,
            "449c207aaa0cbdc4c561df08279ddf0d82eeab9c1de097baf622df189d110703",
        ),
        (
            SIGNED_NEWC,
            "1.2.0",
            true,
            "c8b145269d8ad023d1a4837e59a8284ad13e53bc37cc0421a8fc986b98cb384f",
        ),
        (
            sample!("swupdate-unsigned-1.1.0.swu"),
            "1.1.0",
            false,
            "325b0de4a631592c4b43aafbfb65c767e73d4648c3001d5a8637ba921d5b7486",
        ),
    ] {
        let image = inspect("a.swu", [bytes]).unwrap();
        assert_eq!(image.format, Format::Swu);
        assert_eq!(image.size, bytes.len() as u64);
        assert_eq!(image.digests.sha256.to_hex(), sha256);
        assert_eq!(image.version.as_deref(), Some(version));
        assert_eq!((image.name, image.description), (None, None));
        assert_eq!(image.hardware, ["1.0", "#RE:^rev[0-9]+$"]);
        assert_eq!(image.signed, signed);
        let payload = Part {
            name: "payload-a.bin".to_owned(),
            size: 20_000,
            digest: Digest::from_hex(PAYLOAD_A).unwrap(),
        };
        assert_eq!(image.parts, [payload]);
        assert_eq!(image.findings, []);
    }
}

#[test]
fn raw_images_are_known_by_their_digests() {
    for (bytes, sha256) in [
        (sample!("payload-a.bin"), PAYLOAD_A),
        (
            sample!("payload-b.bin"),
            "ef8ef8d7829096cb635f81202099ff2a1d6f7182c61802cfafae02ae4a09a9a3",
        ),
        (
            sample!("bad/garbage.bin"),
            "79a85a5092833873a90c547ccba30fe65af919c1ed849d3b10fe4927018e39e8",
        ),
    ] {
        let image = inspect("a.bin", [bytes]).unwrap();
        assert_eq!(
            (image.format, image.size),
            (Format::Raw, bytes.len() as u64)
        );
        assert_eq!(image.digests.sha256.to_hex(), sha256);
        assert_eq!((image.version, image.signed), (None, false));
        assert!(image.hardware.is_empty() && image.parts.is_empty());
        assert_eq!(image.findings, []);
    }
}

#[test]
fn damaged_images_are_refused_with_what_and_where() {
    for (bytes, file_name, expected) in [
        (sample!("bad/empty.bin"), "a.bin", "the file is empty"),
        (sample!("bad/empty.bin"), "a.swu", "the file is empty"),
        (
            sample!("bad/garbage.bin"),
            "garbage.swu",
            "garbage.swu is named like an SWUpdate image, but begins with",
        ),
        (
            sample!("bad/swupdate-truncated.swu"),
            "a.swu",
            "the file ends at byte 13516, inside the content of \"payload-a.bin\", at least 8556 \
             bytes too early",
        ),
        (
            FLIPPED,
            "a.swu",
            "the content of \"payload-a.bin\" (member at byte 1948) sums to",
        ),
        (FLIPPED, "a.swu", "its cpio header says 0026fcca"),
        (FLIPPED, "a.bin", "its cpio header says 0026fcca"),
        (
            sample!("bad/swupdate-description-changed-after-signing.swu"),
            "a.swu",
            "the content of \"sw-description\" (member at byte 0) sums to 00005d7f, its cpio \
             header says 00005d76",
        ),
        (
            WRONG_SHA256,
            "a.swu",
            "the sha256 of \"payload-a.bin\" (member at byte 1948) is \
             5d64b11ef6af50477c58b791b720c337307930e002fad7187c2ba2fc13b66e60, sw-description says \
             73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac",
        ),
    ] {
        let message = inspect(file_name, [bytes]).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = SIGNED;
    for len in (0..bytes.len()).filter(|len| *len != SIGNED_TRAILER_END) {
        assert!(
            inspect("a.swu", [&bytes[..len]]).is_err(),
            "accepted with {len} bytes"
        );
    }
    // Cut exactly there the archive is complete: some tools write it so.
    let image = inspect("a.swu", [&bytes[..SIGNED_TRAILER_END]]).unwrap();
    assert_eq!(image.findings, [Finding::NotPadded]);
}

#[test]
fn no_single_changed_byte_of_any_content_is_accepted() {
    let bytes = SIGNED;
    // The contents of description, signature and payload, without headers, names and padding.
    for at in (128..440)
        .chain(572..1945)
        .chain((2072..22_072).step_by(97))
    {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x20;
        let result = inspect("a.swu", [&changed[..]]);
        assert!(
            matches!(result, Err(ImageError::BadChecksum { .. })),
            "byte {at}: {result:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn how_the_bytes_are_cut_makes_no_difference(
        bytes in prop::sample::select(vec![
            SIGNED,
            SIGNED_NEWC,
            FLIPPED,
            WRONG_SHA256,
            sample!("payload-a.bin"),
            sample!("bad/swupdate-truncated.swu"),
        ]),
        file_name in prop::sample::select(vec!["a.bin", "a.swu"]),
        sizes in prop::collection::vec(prop_oneof![0..4_usize, 0..130_usize, 0..6000_usize], 0..200),
    ) {
        prop_assert_eq!(inspect(file_name, cut(bytes, &sizes)), inspect(file_name, [bytes]));
    }

    #[test]
    fn any_bytes_are_accepted_or_refused(
        prefix in prop::sample::select(vec![&b""[..], b"070701", b"070702"]),
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        file_name in prop::sample::select(vec!["a.bin", "a.swu"]),
    ) {
        let _ = inspect(file_name, [prefix, &bytes]);
    }

    #[test]
    fn any_change_of_a_sound_image_is_accepted_or_refused(
        image in prop::sample::select(vec![SIGNED, SIGNED_NEWC]),
        changes in prop::collection::vec((prop_oneof![0..600_usize, 0..22_528_usize], any::<u8>()), 1..8),
        len in prop_oneof![Just(22_528_usize), 0..22_528_usize],
    ) {
        let mut bytes = image.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = inspect("a.swu", [&bytes[..len]]);
    }

    #[test]
    fn any_text_as_a_header_is_accepted_or_refused(
        image in prop::sample::select(vec![SIGNED, SIGNED_NEWC]),
        digits in "[0-9A-Fa-f]{8}",
        field in 0..13_usize,
        member in prop::sample::select(vec![0_usize, 440, 1948]),
    ) {
        let mut bytes = image.to_vec();
        let at = member + 6 + 8 * field;
        bytes[at..at + 8].copy_from_slice(digits.as_bytes());
        let _ = inspect("a.swu", [&bytes[..]]);
    }
}
