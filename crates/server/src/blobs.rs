//! Images on disk, each under its own SHA-256: what is served is what was checked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

/// A folder of images.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
    probes: Arc<AtomicU64>,
}

/// An image on its way in. Dropped unfinished, it leaves nothing behind but a file that the next start
/// removes.
pub struct Incoming {
    file: File,
    path: PathBuf,
}

impl Blobs {
    /// Uses `folder`, makes it where there is none, and removes what broke off in it.
    ///
    /// # Errors
    /// The folder can't be used.
    pub async fn open(folder: &Path) -> io::Result<Self> {
        let incoming = folder.join("incoming");
        if fs::try_exists(&incoming).await? {
            fs::remove_dir_all(&incoming).await?;
        }
        fs::create_dir_all(&incoming).await?;
        Ok(Self {
            folder: folder.to_owned(),
            probes: Arc::default(),
        })
    }

    /// Begins an image.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn begin(&self, name: &str) -> io::Result<Incoming> {
        let path = self.folder.join("incoming").join(name);
        Ok(Incoming {
            file: File::create(&path).await?,
            path,
        })
    }

    /// Makes a finished image durable under its digest.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn finish(&self, mut incoming: Incoming, sha256: &str) -> io::Result<()> {
        incoming.file.flush().await?;
        incoming.file.sync_all().await?;
        let place = self.place(sha256);
        let folder = place.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).await?;
        fs::rename(&incoming.path, &place).await?;
        File::open(folder).await?.sync_all().await
    }

    /// Drops an image that is not wanted.
    pub async fn discard(&self, incoming: Incoming) {
        drop(incoming.file);
        if let Err(error) = fs::remove_file(&incoming.path).await {
            tracing::warn!(%error, path = %incoming.path.display(), "can't remove an unfinished image");
        }
    }

    /// An image by its digest.
    ///
    /// # Errors
    /// It is not there, or the disk refuses.
    pub async fn read(&self, sha256: &str) -> io::Result<File> {
        File::open(self.place(sha256)).await
    }

    /// Whether images can be written.
    ///
    /// # Errors
    /// They can't.
    pub async fn probe(&self) -> io::Result<()> {
        let name = format!("probe-{}", self.probes.fetch_add(1, Ordering::Relaxed));
        let incoming = self.begin(&name).await?;
        fs::remove_file(&incoming.path).await
    }

    fn place(&self, sha256: &str) -> PathBuf {
        self.folder
            .join(&sha256[..2.min(sha256.len())])
            .join(sha256)
    }
}

impl Incoming {
    /// Adds bytes.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }
}
