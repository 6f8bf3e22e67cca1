//! The device API's JSON, as it is read and written. Lenient where its clients differ.

use std::collections::BTreeMap;

use fleetward_store::firmware::Firmware;
use serde::{Deserialize, Deserializer, Serialize};

/// What a device says of an action.
#[derive(Debug, Deserialize)]
pub(super) struct Feedback {
    pub(super) status: Status,
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) execution: Execution,
    pub(super) result: Outcome,
    #[serde(default)]
    pub(super) code: Option<i64>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) details: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) finished: Finished,
    #[serde(default)]
    pub(super) progress: serde_json::Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Execution {
    Closed,
    Proceeding,
    Canceled,
    Scheduled,
    Rejected,
    Resumed,
    Download,
    Downloaded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Finished {
    Success,
    Failure,
    None,
}

/// What a device says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigData {
    #[serde(default)]
    pub(super) mode: Option<Mode>,
    pub(super) data: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Merge,
    Replace,
    Remove,
}

/// Messages come as a list, as one text, or as null.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Messages {
        Many(Vec<String>),
        One(String),
        Nothing(()),
    }
    Ok(match Messages::deserialize(deserializer)? {
        Messages::Many(many) => many,
        Messages::One(one) => vec![one],
        Messages::Nothing(()) => Vec::new(),
    })
}

#[derive(Debug, Serialize)]
pub(super) struct Deployment<'a> {
    pub(super) id: String,
    pub(super) deployment: Handling<'a>,
    #[serde(rename = "actionHistory", skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<History>,
}

#[derive(Debug, Serialize)]
pub(super) struct Handling<'a> {
    pub(super) download: &'static str,
    pub(super) update: &'static str,
    pub(super) chunks: [Chunk<'a>; 1],
}

#[derive(Debug, Serialize)]
pub(super) struct Chunk<'a> {
    pub(super) part: &'static str,
    pub(super) version: &'a str,
    pub(super) name: &'a str,
    pub(super) artifacts: [Artifact<'a>; 1],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) metadata: &'static [Metadata],
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) key: &'static str,
    pub(super) value: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Artifact<'a> {
    filename: &'a str,
    hashes: Hashes<'a>,
    size: u64,
    #[serde(rename = "_links")]
    links: BTreeMap<&'static str, Link>,
}

#[derive(Debug, Serialize)]
struct Hashes<'a> {
    sha1: &'a str,
    md5: &'a str,
    sha256: &'a str,
}

#[derive(Debug, Serialize)]
struct Link {
    href: String,
}

#[derive(Debug, Serialize)]
pub(super) struct History {
    pub(super) status: &'static str,
    pub(super) messages: Vec<String>,
}

/// An image under `url`. Some clients take only the one kind of link, some only the other: both are
/// always there.
pub(super) fn artifact<'a>(firmware: &'a Firmware, url: &str) -> Artifact<'a> {
    let file = Link {
        href: url.to_owned(),
    };
    let sums = format!("{url}.MD5SUM");
    let links = [
        ("download", file.href.clone()),
        ("download-http", file.href),
        ("md5sum", sums.clone()),
        ("md5sum-http", sums),
    ];
    Artifact {
        filename: &firmware.file_name,
        hashes: Hashes {
            sha1: &firmware.sha1,
            md5: &firmware.md5,
            sha256: &firmware.sha256,
        },
        size: firmware.size,
        links: links
            .into_iter()
            .map(|(rel, href)| (rel, Link { href }))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(json: &str) -> Vec<String> {
        let text = format!(
            r#"{{"id":17,"time":"","status":{{"execution":"proceeding",
                "result":{{"finished":"none","progress":3}},"details":{json}}}}}"#
        );
        serde_json::from_str::<Feedback>(&text)
            .unwrap()
            .status
            .details
    }

    #[test]
    fn messages_come_in_three_forms() {
        assert_eq!(details(r#"["a",""]"#), ["a", ""]);
        assert_eq!(details(r#""a""#), ["a"]);
        assert!(details("null").is_empty());
    }

    #[test]
    fn unknown_words_are_refused() {
        let text = r#"{"status":{"execution":"exploded","result":{"finished":"none"}}}"#;
        let error = serde_json::from_str::<Feedback>(text).unwrap_err();
        assert!(error.to_string().contains("exploded"));
    }
}
