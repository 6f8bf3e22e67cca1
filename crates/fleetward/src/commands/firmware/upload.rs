//! `fleetward firmware upload`: a file sent piece by piece, never held as a whole.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use fleetward_server::api::types::FirmwareView;
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Body;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// Upload an image as a version
///
/// Uploading the same image as the same version again changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// The image
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The version that it is
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// What it is called
    #[arg(long)]
    name: Option<String>,
    /// The hardware that it fits; all when left out
    #[arg(long, value_delimiter = ',', value_name = "MODEL[:REVISION],…")]
    compatibility: Vec<String>,
    /// SHA-256 that the image must have, in hex
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
}

pub(super) async fn run(command: Upload, context: &Context) -> Result<Ending, CliError> {
    let Upload {
        file,
        version,
        name,
        compatibility,
        sha256,
    } = command;
    let client = context.client()?;
    let (image, length) = open(&file).await?;
    let sha256 = digest(&file, sha256).await?;
    let query = [
        ("version", Some(version)),
        ("name", name),
        (
            "file_name",
            file.file_name()
                .map(|name| name.to_string_lossy().into_owned()),
        ),
        (
            "compatibility",
            (!compatibility.is_empty()).then(|| compatibility.join(",")),
        ),
        ("sha256", Some(sha256)),
    ];
    let bar = bar(length);
    let pieces = ReaderStream::with_capacity(image, PIECE);
    let seen = bar.clone();
    let pieces = pieces.inspect(move |piece| {
        if let Ok(piece) = piece {
            seen.inc(u64::try_from(piece.len()).unwrap_or_default());
        }
    });
    let uploaded = client
        .upload(&["firmware"], &query, Body::wrap_stream(pieces), length)
        .await;
    bar.finish_and_clear();
    let firmware: FirmwareView = uploaded?;
    context.output.show(&firmware, |page| {
        super::write(page, &firmware);
        page.line(format!(
            "\nDeploy it: fleetward plan create --interactive --firmware-version {}",
            firmware.version
        ));
    })?;
    Ok(Ending::Done)
}

/// The file and its length in bytes.
async fn open(path: &Path) -> Result<(File, u64), CliError> {
    let unreadable = |error: std::io::Error| {
        CliError::usage(format!(
            "the image {} cannot be read: {error}",
            path.display()
        ))
    };
    let file = File::open(path).await.map_err(unreadable)?;
    let metadata = file.metadata().await.map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(CliError::usage(format!("{} is no file", path.display())));
    }
    Ok((file, metadata.len()))
}

/// SHA-256 of the file in hex, read in a first pass so that damage on the way is noticed; it must be `wanted`.
async fn digest(path: &Path, wanted: Option<String>) -> Result<String, CliError> {
    let name = path.display();
    let file = path.to_owned();
    let found = tokio::task::spawn_blocking(move || -> io::Result<String> {
        let mut file = std::fs::File::open(file)?;
        let mut piece = vec![0; PIECE];
        let mut hash = Sha256::new();
        loop {
            match io::Read::read(&mut file, &mut piece)? {
                0 => return Ok(hex::encode(hash.finalize())),
                read => hash.update(&piece[..read]),
            }
        }
    })
    .await
    .map_err(|error| CliError::internal(format!("the image {name} was not read: {error}")))?
    .map_err(|error| CliError::usage(format!("the image {name} cannot be read: {error}")))?;
    match wanted {
        Some(wanted) if wanted != found => Err(CliError::usage(format!(
            "the image {name} has SHA-256 {found}, not {wanted}; nothing was sent"
        ))),
        Some(_) | None => Ok(found),
    }
}

/// A bar on standard error; hidden where that is no terminal.
fn bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {bytes} of {total_bytes} ({binary_bytes_per_sec}, {eta} to go)",
    )
    .expect("invariant: the template is well formed");
    ProgressBar::new(length).with_style(style)
}

fn sha256(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        Err("a SHA-256 has 64 hexadecimal digits, as `sha256sum` prints them".to_owned())
    }
}
