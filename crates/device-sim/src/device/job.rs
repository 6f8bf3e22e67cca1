//! What a device is busy with: the order it has taken and how far it is. Not in here: how a job moves on.

use crate::wire::{ActionId, Artifact, ArtifactLinks, DeploymentBase, Handling};

/// Metadata key of a chunk by which the server asks for a switch to the other slot instead of a download.
const SWITCH_BACK_KEY: &str = "fleetward.switch_back";

/// An update as the device understood it.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) action: ActionId,
    pub(super) version: String,
    pub(super) may_download: bool,
    pub(super) may_install: bool,
    pub(super) switch_back: bool,
    pub(super) files: Vec<File>,
}

/// A file of an order.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl Order {
    /// Reads an offer; the first chunk's version is the one the device will run.
    pub(super) fn read(offer: DeploymentBase) -> Result<Self, String> {
        let DeploymentBase {
            id: action,
            deployment,
        } = offer;
        let version = deployment
            .chunks
            .first()
            .map(|chunk| chunk.version.clone())
            .ok_or("there is no chunk")?;
        let switch_back = deployment
            .chunks
            .iter()
            .flat_map(|chunk| &chunk.metadata)
            .any(|note| note.key == SWITCH_BACK_KEY && note.value == "true");
        let files = deployment
            .chunks
            .into_iter()
            .flat_map(|chunk| chunk.artifacts)
            .map(File::read)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            action,
            version,
            may_download: deployment.download != Handling::Skip,
            may_install: deployment.update != Handling::Skip,
            switch_back,
            files,
        })
    }
}

impl File {
    fn read(artifact: Artifact) -> Result<Self, String> {
        let Artifact {
            filename: name,
            hashes,
            size,
            links,
        } = artifact;
        let ArtifactLinks {
            download,
            download_http,
        } = links;
        let link = download
            .or(download_http)
            .ok_or_else(|| format!("{name} has no download link"))?;
        Ok(Self {
            name,
            url: link.href,
            size,
            sha256: hashes.sha256,
        })
    }
}

/// What a device is busy with.
#[derive(Debug, Clone)]
pub(super) enum Job {
    /// Nothing.
    Idle,
    /// Fetching files: `fetched` of them are there; a pretended download lasts until `until_ms`.
    Downloading {
        order: Order,
        fetched: usize,
        until_ms: u64,
    },
    /// Writing the image, or finding it in the other slot.
    Installing {
        order: Order,
        from_slot: bool,
        until_ms: u64,
    },
    /// Holding the update until it may be installed; `written` if it is in the other slot already.
    Staged { order: Order, written: bool },
    /// Ready to reboot as soon as all reports are sent.
    Installed { order: Order },
    /// Rebooting.
    Rebooting { order: Order, until_ms: u64 },
    /// Never to be heard of again.
    Silent,
}

impl Job {
    /// The action being worked on.
    pub(super) fn action(&self) -> Option<ActionId> {
        match self {
            Self::Downloading { order, .. }
            | Self::Installing { order, .. }
            | Self::Staged { order, .. }
            | Self::Installed { order }
            | Self::Rebooting { order, .. } => Some(order.action),
            Self::Idle | Self::Silent => None,
        }
    }

    /// When time alone moves the job on.
    pub(super) fn until_ms(&self) -> Option<u64> {
        match self {
            Self::Downloading {
                order,
                fetched,
                until_ms,
            } => (*fetched >= order.files.len()).then_some(*until_ms),
            Self::Installing { until_ms, .. } | Self::Rebooting { until_ms, .. } => Some(*until_ms),
            Self::Idle | Self::Staged { .. } | Self::Installed { .. } | Self::Silent => None,
        }
    }

    /// The file to fetch next.
    pub(super) fn wanted_file(&self) -> Option<&File> {
        match self {
            Self::Downloading { order, fetched, .. } => order.files.get(*fetched),
            Self::Idle
            | Self::Installing { .. }
            | Self::Staged { .. }
            | Self::Installed { .. }
            | Self::Rebooting { .. }
            | Self::Silent => None,
        }
    }
}
