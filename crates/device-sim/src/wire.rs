//! The documents of DDI v1 that a device reads and writes, as strict as the strictest real client. Shared with no server.
//!
//! Unknown members are ignored; missing ones and impossible values make the whole document unusable.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Number of an action: one deployment to one device. Fits a positive signed 32-bit integer; text on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(u32);

impl ActionId {
    /// The number itself.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for ActionId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        match text.parse::<i32>() {
            Ok(number) if plain && number > 0 => Ok(Self(number.unsigned_abs())),
            Ok(_) | Err(_) => Err(format!(
                "action id {text:?} is not a number from 1 to {}",
                i32::MAX
            )),
        }
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> Deserialize<'de> for ActionId {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Serialize for ActionId {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        sink.collect_str(self)
    }
}

/// Answer to the base poll.
#[derive(Debug, Clone, Deserialize)]
pub struct BasePoll {
    /// When to poll again.
    pub config: PollConfig,
    /// What there is to do; may be left out.
    #[serde(rename = "_links", default)]
    pub links: PollLinks,
}

/// The settings inside a base poll.
#[derive(Debug, Clone, Deserialize)]
pub struct PollConfig {
    /// The polling settings.
    pub polling: Polling,
}

/// The polling settings inside a base poll.
#[derive(Debug, Clone, Deserialize)]
pub struct Polling {
    /// Time to the next poll in milliseconds; `HH:MM:SS` on the wire.
    #[serde(rename = "sleep", deserialize_with = "read_sleep")]
    pub sleep_ms: u64,
}

/// The links of a base poll.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PollLinks {
    /// An update is offered.
    pub deployment_base: Option<Link>,
    /// An update is to be cancelled.
    pub cancel_action: Option<Link>,
    /// Attributes are wanted.
    pub config_data: Option<Link>,
}

/// A link.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    /// Absolute address.
    pub href: String,
}

/// An offered update.
#[derive(Debug, Clone, Deserialize)]
pub struct DeploymentBase {
    /// The action.
    pub id: ActionId,
    /// What to do and with which files.
    pub deployment: Deployment,
}

/// What to do and with which files.
#[derive(Debug, Clone, Deserialize)]
pub struct Deployment {
    /// May it be downloaded?
    pub download: Handling,
    /// May it be installed?
    pub update: Handling,
    /// The software modules.
    pub chunks: Vec<Chunk>,
}

/// Permission for a step of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Handling {
    /// Not now.
    Skip,
    /// When convenient.
    Attempt,
    /// At once.
    Forced,
}

/// A software module.
#[derive(Debug, Clone, Deserialize)]
pub struct Chunk {
    /// Kind of the module.
    pub part: String,
    /// Version of the module.
    pub version: String,
    /// Name of the module.
    pub name: String,
    /// Its files.
    pub artifacts: Vec<Artifact>,
    /// Notes for the device.
    #[serde(default)]
    pub metadata: Vec<Metadata>,
}

/// A note for the device.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    /// Its name.
    pub key: String,
    /// Its text.
    pub value: String,
}

/// A file of a software module.
#[derive(Debug, Clone, Deserialize)]
pub struct Artifact {
    /// Name of the file.
    pub filename: String,
    /// Its digests.
    pub hashes: Hashes,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is.
    #[serde(rename = "_links")]
    pub links: ArtifactLinks,
}

/// Digests of a file, lower-case hex.
#[derive(Debug, Clone, Deserialize)]
pub struct Hashes {
    /// SHA-1.
    pub sha1: String,
    /// MD5.
    pub md5: String,
    /// SHA-256.
    pub sha256: String,
}

/// Where a file is.
#[derive(Debug, Clone, Deserialize)]
pub struct ArtifactLinks {
    /// Over TLS.
    pub download: Option<Link>,
    /// Plain.
    #[serde(rename = "download-http")]
    pub download_http: Option<Link>,
}

/// An order to cancel an action.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "CancelDocument")]
pub struct CancelAction {
    /// The action to stop.
    pub stop: ActionId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelDocument {
    id: ActionId,
    cancel_action: StopId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopId {
    stop_id: ActionId,
}

impl TryFrom<CancelDocument> for CancelAction {
    type Error = String;

    fn try_from(document: CancelDocument) -> Result<Self, String> {
        let (id, stop) = (document.id, document.cancel_action.stop_id);
        if id == stop {
            Ok(Self { stop })
        } else {
            Err(format!("cancel id {id} differs from stopId {stop}"))
        }
    }
}

/// Attributes a device sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigData {
    /// What becomes of attributes the server has already.
    pub mode: ConfigMode,
    /// The attributes.
    pub data: BTreeMap<String, String>,
}

/// What becomes of attributes the server has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigMode {
    /// They stay unless overwritten.
    Merge,
}

/// A report about an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Feedback {
    /// The action.
    pub id: ActionId,
    /// How it goes.
    pub status: Status,
}

/// How an action goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The step.
    pub execution: Execution,
    /// The outcome.
    pub result: Outcome,
    /// Messages for people.
    pub details: Vec<String>,
}

/// Step of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Execution {
    /// Under way.
    Proceeding,
    /// All files are on the device.
    Downloaded,
    /// A cancellation is refused.
    Rejected,
    /// Over.
    Closed,
}

/// Outcome of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// How it ended, or that it did not yet.
    pub finished: Finished,
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finished {
    /// Well.
    Success,
    /// Badly.
    Failure,
    /// Not yet.
    None,
}

fn read_sleep<'de, D: Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    let text = String::deserialize(source)?;
    parse_sleep(&text).ok_or_else(|| {
        D::Error::custom(format!(
            "polling sleep {text:?} is not a time from 00:00:01 to 23:59:59"
        ))
    })
}

fn parse_sleep(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else {
        return None;
    };
    let hours = two_digits(hours).filter(|hours| *hours < 24)?;
    let minutes = two_digits(minutes).filter(|minutes| *minutes < 60)?;
    let seconds = two_digits(seconds).filter(|seconds| *seconds < 60)?;
    let total = (hours * 60 + minutes) * 60 + seconds;
    (total > 0).then_some(total * 1_000)
}

fn two_digits(text: &str) -> Option<u64> {
    let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{ActionId, BasePoll, CancelAction, parse_sleep};
    use serde_json::json;

    #[test]
    fn sleep_is_eight_characters_of_a_day() {
        assert_eq!(parse_sleep("00:05:00"), Some(300_000));
        assert_eq!(parse_sleep("23:59:59"), Some(86_399_000));
        for wrong in [
            "00:00:00", "24:00:00", "0:05:00", "PT5M", "00:60:00", "00:05", "+1:05:00",
        ] {
            assert_eq!(parse_sleep(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn action_ids_are_positive_numbers_as_text() {
        assert_eq!("4211".parse::<ActionId>().unwrap().number(), 4211);
        for wrong in ["", "0", "-3", "+3", "011", "2147483648", "a7"] {
            assert!(wrong.parse::<ActionId>().is_err(), "{wrong}");
        }
        assert!(
            serde_json::from_value::<ActionId>(json!(17)).is_err(),
            "a JSON number is not text"
        );
        assert_eq!(
            serde_json::to_value("17".parse::<ActionId>().unwrap()).unwrap(),
            json!("17")
        );
    }

    #[test]
    fn links_may_be_left_out() {
        let poll: BasePoll =
            serde_json::from_value(json!({"config": {"polling": {"sleep": "00:00:10"}}})).unwrap();
        assert_eq!(poll.config.polling.sleep_ms, 10_000);
        assert!(poll.links.deployment_base.is_none());
    }

    #[test]
    fn both_ids_of_a_cancel_agree() {
        let document = json!({"id": "12", "cancelAction": {"stopId": "12"}});
        assert_eq!(
            serde_json::from_value::<CancelAction>(document)
                .unwrap()
                .stop
                .number(),
            12
        );
        let document = json!({"id": "12", "cancelAction": {"stopId": "13"}});
        assert!(serde_json::from_value::<CancelAction>(document).is_err());
    }
}
