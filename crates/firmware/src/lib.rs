//! Firmware images: bytes in; format, version, digests and findings out.
//!
//! [`Inspector`] is pushed an image in chunks of any size and never holds it whole, so an image of many GiB costs no
//! more memory than a small one. Its answer is an [`Image`], or an [`ImageError`] that says what is wrong, where, and
//! what to do about it.
//!
//! This crate is pure: no files, no network, no clock, no async. Signatures are noticed and not verified:
//! [`Image::signed`] means "carries a signature", nothing more.
//!
//! To add a format, write its module with a `FormatReader` and name it in the list of `detect.rs`.

mod detect;
mod digests;
mod error;
mod image;
mod inspect;
mod raw;
mod swu;

pub use digests::{Digest, Digests};
pub use error::ImageError;
pub use image::{Finding, Format, Image, Part};
pub use inspect::Inspector;
