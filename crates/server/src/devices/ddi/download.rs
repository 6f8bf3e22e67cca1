//! Images on their way to devices: whole, in parts, and their checksums.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fleetward_core::device::ActionState;
use fleetward_store::firmware::Firmware;
use jiff::tz::TimeZone;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::access::{self, Device};
use super::error::DdiError;
use super::range::{Part, parse};
use crate::app::App;

const CHUNK: usize = 64 * 1024;

pub(super) async fn download(
    State(app): State<Arc<App>>,
    Path((tenant, id, module, file)): Path<(String, String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let firmware = offered(&app, &device, &module).await?;
    if file == firmware.file_name {
        return image(&app, &firmware, &method, &headers).await;
    }
    match file.strip_suffix(".MD5SUM") {
        Some(name) if name == firmware.file_name => Ok(checksum(&firmware)),
        Some(_) | None => Err(DdiError::NotFound("file")),
    }
}

/// The image of a module, where the device is offered it.
pub(super) async fn offered(
    app: &App,
    device: &Device,
    module: &str,
) -> Result<Arc<Firmware>, DdiError> {
    let open = device
        .known
        .action
        .filter(|open| open.state == ActionState::Open && module.parse() == Ok(open.firmware_key));
    let open = open.ok_or(DdiError::NotFound("module"))?;
    let firmware = app.catalog.find(&app.store, open.firmware_key).await?;
    firmware.ok_or(DdiError::NotFound("module"))
}

async fn image(
    app: &App,
    firmware: &Firmware,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, DdiError> {
    let etag = format!("\"{}\"", firmware.sha1);
    let modified = http_date(firmware);
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    if text(header::IF_MATCH).is_some_and(|wanted| wanted != "*" && !wanted.contains(&etag)) {
        return Err(DdiError::OtherFile);
    }
    let fresh = text(header::IF_RANGE).is_none_or(|seen| seen == etag || seen == modified);
    let part = match text(header::RANGE).filter(|_| fresh && *method == Method::GET) {
        Some(range) => parse(range, firmware.size),
        None => Part::Whole,
    };
    let (status, first, length) = match &part {
        Part::Whole => (StatusCode::OK, 0, firmware.size),
        Part::Bytes(bytes) => (
            StatusCode::PARTIAL_CONTENT,
            *bytes.start(),
            bytes.end() - bytes.start() + 1,
        ),
        Part::Outside => return Err(DdiError::BadRange(firmware.size)),
    };
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        content(app, firmware, first, length).await?
    };
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::ETAG, etag),
            (header::LAST_MODIFIED, modified),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment;filename={}", firmware.file_name),
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ],
        body,
    )
        .into_response();
    if let Part::Bytes(bytes) = part {
        let range = format!("bytes {}-{}/{}", bytes.start(), bytes.end(), firmware.size);
        let value = range.parse().map_err(|_| DdiError::Internal)?;
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

async fn content(
    app: &App,
    firmware: &Firmware,
    first: u64,
    length: u64,
) -> Result<Body, DdiError> {
    let failed = |error: std::io::Error| {
        tracing::error!(%error, version = %firmware.version, "an image can't be read");
        DdiError::Internal
    };
    let mut file = app.blobs.read(&firmware.sha256).await.map_err(failed)?;
    file.seek(std::io::SeekFrom::Start(first))
        .await
        .map_err(failed)?;
    Ok(Body::from_stream(ReaderStream::with_capacity(
        file.take(length),
        CHUNK,
    )))
}

fn checksum(firmware: &Firmware) -> Response {
    let name = &firmware.file_name;
    let headers = [
        (header::CONTENT_TYPE, "text/plain".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment;filename={name}.MD5SUM"),
        ),
    ];
    (headers, format!("{}  {name}", firmware.md5)).into_response()
}

fn http_date(firmware: &Firmware) -> String {
    let at = firmware.created_at.to_zoned(TimeZone::UTC);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
