//! Firmware: taking images in as they come, and withdrawing versions.

use std::sync::Arc;

use fleetward_core::engine::Input;
use fleetward_core::firmware::Hardware;
use fleetward_core::seconds::Seconds;
use fleetward_firmware::{Format, Image, Inspector};
use fleetward_store::actions::roster_of;
use fleetward_store::effects::take_back;
use fleetward_store::firmware::{self, Firmware};
use fleetward_store::page::{Page, Paged};
use fleetward_store::{Tx, executions};
use futures_util::{Stream, StreamExt as _};

use super::ids::new_id;
use super::{Aftermath, App, AppError, Call, Done, views};
use crate::api::types::FirmwareView;
use crate::auth::Right;
use crate::blobs::Incoming;
use crate::driver::drive;

/// What comes with an image.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The version; the image's own where it has one and this is left out.
    pub version: Option<String>,
    /// What to call it.
    pub name: Option<String>,
    /// The file name that devices will see.
    pub file_name: String,
    /// The hardware that it fits.
    pub compatibility: Vec<Hardware>,
    /// SHA-256 that the image must have, hex.
    pub sha256: Option<String>,
}

/// What an upload led to.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// The version.
    pub view: FirmwareView,
    /// It was not there before.
    pub new: bool,
}

impl App {
    /// Takes an image in, chunk by chunk. The same image for the same version again is no error.
    ///
    /// # Errors
    /// The caller may not, the image is refused, or the version exists with another image.
    pub async fn upload<E: std::fmt::Display>(
        self: &Arc<Self>,
        call: &Call,
        upload: Upload,
        body: impl Stream<Item = Result<impl AsRef<[u8]>, E>> + Send,
    ) -> Result<Uploaded, AppError> {
        call.needs(Right::Firmware)?;
        check_file_name(&upload.file_name)?;
        let id = new_id("fw", call.now);
        let mut incoming = self.blobs.begin(&id).await?;
        let row = self.inspect(call, &upload, id, &mut incoming, body).await;
        match row {
            Ok(row) => {
                self.blobs.finish(incoming, &row.sha256).await?;
                self.register(call, row).await
            }
            Err(error) => {
                self.blobs.discard(incoming).await;
                Err(error)
            }
        }
    }

    /// The row of an image that may be kept.
    async fn inspect<E: std::fmt::Display>(
        &self,
        call: &Call,
        upload: &Upload,
        id: String,
        incoming: &mut Incoming,
        body: impl Stream<Item = Result<impl AsRef<[u8]>, E>> + Send,
    ) -> Result<Firmware, AppError> {
        let image = self.receive(upload, incoming, body).await?;
        let row = row(upload, &image, id, call)?;
        if call.idempotency.is_some() {
            // Whether this is a repeat is found out together with everything else.
            return Ok(row);
        }
        let (version, sha256) = (row.version.clone(), row.sha256.clone());
        self.store
            .read(move |tx| same_image(firmware::find(tx, &version)?.as_ref(), &version, &sha256))
            .await?;
        Ok(row)
    }

    async fn receive<E: std::fmt::Display>(
        &self,
        upload: &Upload,
        incoming: &mut Incoming,
        body: impl Stream<Item = Result<impl AsRef<[u8]>, E>> + Send,
    ) -> Result<Image, AppError> {
        let mut inspector = Inspector::new(&upload.file_name);
        let mut body = std::pin::pin!(body);
        let limit = self.config.firmware.max_size.unwrap_or(u64::MAX);
        let mut size = 0u64;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                broken(
                    "upload_broken",
                    format!("the upload broke off after {size} bytes ({error}): send it again"),
                )
            })?;
            let bytes = chunk.as_ref();
            size += bytes.len() as u64;
            if size > limit {
                let detail = format!("the image is larger than the {limit} bytes that are allowed");
                return Err(broken("image_too_large", detail));
            }
            inspector.push(bytes);
            if let Some(refusal) = inspector.refusal() {
                return Err(broken("bad_image", refusal.to_string()));
            }
            incoming.write(bytes).await?;
        }
        let image = inspector
            .finish()
            .map_err(|error| broken("bad_image", error.to_string()))?;
        let found = image.digests.sha256.to_hex();
        match &upload.sha256 {
            Some(wanted) if !wanted.eq_ignore_ascii_case(&found) => Err(broken(
                "digest_mismatch",
                format!("the image has SHA-256 {found}, not {wanted}: it was damaged on the way"),
            )),
            Some(_) | None => Ok(image),
        }
    }

    async fn register(self: &Arc<Self>, call: &Call, row: Firmware) -> Result<Uploaded, AppError> {
        let mut call = call.clone();
        if let Some(given) = &mut call.idempotency {
            // The body was not at hand when the request was digested: it is a stream.
            given.request = format!("{} {}", given.request, row.sha256);
        }
        let work = move |tx: &Tx<'_>, call: &Call| {
            if let Some(known) = firmware::find(tx, &row.version)? {
                same_image(Some(&known), &row.version, &row.sha256)?;
                return Ok((views::firmware(&known), false).into());
            }
            firmware::insert(tx, &row)?;
            let view = views::firmware(&row);
            call.audit(tx, "firmware.upload", &row.firmware_id, &view)?;
            Ok((view, true).into())
        };
        let (view, new) = self.command(&call, Right::Firmware, work).await?;
        Ok(Uploaded { view, new })
    }

    /// Withdraws a version: it can't be deployed, and rollouts of it stop. Safe to repeat.
    ///
    /// # Errors
    /// The caller may not, or there is no such version.
    pub async fn withdraw(
        self: &Arc<Self>,
        call: &Call,
        name: String,
        reason: Option<String>,
    ) -> Result<FirmwareView, AppError> {
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let found = find(tx, &name)?;
            let by = &call.principal.name;
            let mut aftermath = Aftermath {
                firmware: vec![found.firmware_key],
                ..Aftermath::default()
            };
            if firmware::withdraw(tx, found.firmware_key, by, call.now)? {
                let detail = serde_json::json!({ "version": found.version, "reason": reason });
                call.audit(tx, "firmware.withdraw", &found.firmware_id, &detail)?;
                for execution_key in executions::open_of_firmware(tx, found.firmware_key)? {
                    let input = Input::FirmwareWithdrawn { by: by.clone() };
                    let driven = drive(tx, &app.config, execution_key, input, call.now)?;
                    aftermath.roster.extend(driven.roster);
                    aftermath.wake.extend(driven.wake);
                    aftermath.wake.push(execution_key);
                }
                let deadline = app.config.devices.device_timeout;
                let deadline = Seconds(deadline.0).after(call.now);
                let late = take_back(tx, found.firmware_key, deadline, call.now)?;
                aftermath.roster.extend(roster_of(tx, &late)?);
            }
            Ok(Done {
                value: views::firmware(&find(tx, &name)?),
                aftermath,
            })
        };
        self.command(call, Right::Firmware, work).await
    }

    /// One version, by its id or its version.
    ///
    /// # Errors
    /// The caller may not read, or there is no such version.
    pub async fn firmware(&self, call: &Call, name: String) -> Result<FirmwareView, AppError> {
        call.needs(Right::Read)?;
        self.store
            .read(move |tx| Ok(views::firmware(&find(tx, &name)?)))
            .await
    }

    /// A page of versions, newest first.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn firmware_list(
        &self,
        call: &Call,
        page: Page,
    ) -> Result<Paged<FirmwareView>, AppError> {
        call.needs(Right::Read)?;
        let found = self.store.read(move |tx| firmware::list(tx, page)).await?;
        Ok(Paged {
            rows: found.rows.iter().map(views::firmware).collect(),
            next: found.next,
        })
    }
}

fn find(tx: &Tx<'_>, name: &str) -> Result<Firmware, AppError> {
    firmware::find(tx, name)?.ok_or_else(|| AppError::not_found("firmware", name))
}

/// A version never changes: it is new, or has the image that it had.
fn same_image(known: Option<&Firmware>, version: &str, sha256: &str) -> Result<(), AppError> {
    match known {
        Some(known) if known.sha256 != sha256 => {
            let detail = format!(
                "version {version} exists with another image ({}): versions never change, upload it \
                 as a new one",
                known.sha256
            );
            Err(AppError::conflict("version_exists", detail))
        }
        Some(_) | None => Ok(()),
    }
}

const fn broken(code: &'static str, detail: String) -> AppError {
    AppError::BadImage { code, detail }
}

/// File names end up in links, headers and clients' file systems.
fn check_file_name(name: &str) -> Result<(), AppError> {
    let sound = !name.is_empty()
        && name.len() <= 120
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
    if sound {
        return Ok(());
    }
    let message = "use up to 120 letters, digits and `._-+`, not beginning with a dot";
    Err(AppError::invalid("file_name", message))
}

fn row(upload: &Upload, image: &Image, id: String, call: &Call) -> Result<Firmware, AppError> {
    let version = match (&upload.version, &image.version) {
        (Some(given), Some(inside)) if given != inside => {
            let detail = format!("the image says that it is version {inside}, not {given}");
            return Err(broken("version_mismatch", detail));
        }
        (Some(version), _) | (None, Some(version)) => version.clone(),
        (None, None) => {
            return Err(AppError::invalid(
                "version",
                "the image names no version: give one",
            ));
        }
    };
    let sound = version.len() <= 100 && !version.trim().is_empty();
    if !sound || version.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let message = "use 1 to 100 characters without blanks";
        return Err(AppError::invalid("version", message));
    }
    let name = upload.name.clone().or_else(|| image.name.clone());
    Ok(Firmware {
        firmware_key: 0,
        firmware_id: id,
        version,
        name: name.unwrap_or_else(|| "firmware".to_owned()),
        format: image.format.as_str().to_owned(),
        file_name: upload.file_name.clone(),
        size: image.size,
        sha256: image.digests.sha256.to_hex(),
        sha1: image.digests.sha1.to_hex(),
        md5: image.digests.md5.to_hex(),
        hardware: upload.compatibility.clone(),
        signed: image.signed,
        findings: findings(image),
        withdrawn: None,
        created_at: call.now,
        created_by: call.principal.name.clone(),
    })
}

/// What was noticed. The hardware that an `.swu` names is its installer's business (board names and
/// patterns of its own), so it is told and not matched with models.
fn findings(image: &Image) -> Vec<String> {
    let mut findings: Vec<String> = image.findings.iter().map(ToString::to_string).collect();
    if image.format == Format::Swu && !image.hardware.is_empty() {
        findings.push(format!("made for hardware: {}", image.hardware.join(", ")));
    }
    findings
}
