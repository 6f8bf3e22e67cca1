//! Absolute links, under the address that the device called or the one that is configured.

use std::fmt::Write as _;

use axum::http::{HeaderMap, Uri, header};
use fleetward_core::device::ActionState;
use fleetward_store::actions::OpenAction;
use fleetward_store::firmware::Firmware;

use super::access::Device;
use crate::app::App;

/// The place of one device's resources.
pub(super) struct Links {
    base: String,
}

impl Links {
    pub(super) fn of(app: &App, device: &Device, headers: &HeaderMap, uri: &Uri) -> Self {
        let mut base = match &app.config.devices.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let host = headers
                    .get(header::HOST)
                    .and_then(|value| value.to_str().ok());
                let host = host.or_else(|| uri.authority().map(|a| a.as_str()));
                // It goes into JSON as it is.
                let host = host.filter(|host| host.bytes().all(is_of_a_host));
                format!("http://{}", host.unwrap_or("localhost"))
            }
        };
        base.push('/');
        base.push_str(&canonical(&device.tenant));
        base.push_str("/controller/v1/");
        encode(&mut base, &device.id);
        Self { base }
    }

    pub(super) fn config_data(&self) -> String {
        format!("{}/configData", self.base)
    }

    /// The query is a value that changes with what the action asks of the device.
    pub(super) fn deployment(&self, action: &OpenAction) -> String {
        let asks =
            u32::from(action.staging) + 2 * u32::from(action.state == ActionState::Cancelling);
        let value = (action.action_id.0.wrapping_mul(2_654_435_761) ^ asks).cast_signed();
        format!(
            "{}/deploymentBase/{}?c={value}",
            self.base, action.action_id
        )
    }

    /// Clients append to this link, so it ends with the number.
    pub(super) fn cancel(&self, action: &OpenAction) -> String {
        format!("{}/cancelAction/{}", self.base, action.action_id)
    }

    pub(super) fn artifact(&self, firmware: &Firmware) -> String {
        let mut url = format!(
            "{}/softwaremodules/{}/artifacts/",
            self.base, firmware.firmware_key
        );
        encode(&mut url, &firmware.file_name);
        url
    }
}

/// Tenants are one name in any case; old clients insist on `DEFAULT` as it is.
fn canonical(tenant: &str) -> String {
    if tenant.eq_ignore_ascii_case("DEFAULT") {
        return "DEFAULT".to_owned();
    }
    let mut name = String::new();
    encode(&mut name, tenant);
    name
}

fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)
}

fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}
