//! What a `sw-description` says, as far as it matters here: version, name, hardware, and the files with their sha256.
//!
//! Everything else in it (handlers, partitions, boot environment) is the device's matter. The syntax is in
//! `libconfig.rs`.

use super::libconfig::{self, Position, Setting, Value};
use crate::digests::Digest;
use crate::error::ImageError;

/// The lists whose entries name files of the archive.
const FILE_LISTS: [&str; 3] = ["images", "files", "scripts"];

/// The part of a description that is checked or shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) version: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    /// Every hardware-compatibility entry, each once.
    pub(super) hardware: Vec<String>,
    /// Every file that is named, as often as it is named.
    pub(super) files: Vec<File>,
}

/// A file the description names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) sha256: Option<Digest<32>>,
    /// Where the description names it.
    pub(super) at: Position,
}

impl Description {
    /// Reads a description; `None` if it is JSON, which isn't read.
    pub(super) fn read(text: &[u8]) -> Result<Option<Self>, ImageError> {
        if text.trim_ascii_start().starts_with(b"{") {
            return Ok(None);
        }
        let settings = libconfig::parse(text)?;
        let Some(Setting {
            value: Value::Group(software),
            at,
            ..
        }) = find(&settings, "software")
        else {
            return Err(Position::START.refuse("there is no group \"software\""));
        };
        let Some(version) = first_version(software)? else {
            return Err(at.refuse("\"software\" has no \"version\""));
        };
        let mut description = Self {
            version,
            name: find(software, "name").map(label).transpose()?,
            description: find(software, "description").map(text_of).transpose()?,
            hardware: Vec::new(),
            files: Vec::new(),
        };
        description.gather(software)?;
        Ok(Some(description))
    }

    /// Takes hardware and files from a group and from all groups below it: boards, software sets, copies.
    fn gather(&mut self, group: &[Setting]) -> Result<(), ImageError> {
        for setting in group {
            if setting.name == "hardware-compatibility" {
                self.gather_hardware(setting)?;
            } else if FILE_LISTS.contains(&setting.name.as_str()) {
                self.gather_files(setting)?;
            } else if let Value::Group(below) = &setting.value {
                self.gather(below)?;
            }
        }
        Ok(())
    }

    fn gather_hardware(&mut self, setting: &Setting) -> Result<(), ImageError> {
        for entry in list_of(setting)? {
            let Value::Text(hardware) = entry else {
                return Err(setting
                    .at
                    .refuse("\"hardware-compatibility\" has an entry that is not a string"));
            };
            free_of_control(setting, hardware)?;
            if !self.hardware.contains(hardware) {
                self.hardware.push(hardware.clone());
            }
        }
        Ok(())
    }

    fn gather_files(&mut self, setting: &Setting) -> Result<(), ImageError> {
        for entry in list_of(setting)? {
            let Value::Group(entry) = entry else {
                return Err(setting.at.refuse(&format!(
                    "\"{}\" has an entry that is not a group",
                    setting.name
                )));
            };
            // Handlers exist that need no file, so an entry without a name is sound.
            let Some(filename) = find(entry, "filename") else {
                continue;
            };
            let sha256 = find(entry, "sha256").map(digest_of).transpose()?;
            self.files.push(File {
                name: label(filename)?,
                sha256,
                at: filename.at,
            });
        }
        Ok(())
    }
}

fn find<'a>(group: &'a [Setting], name: &str) -> Option<&'a Setting> {
    group.iter().find(|setting| setting.name == name)
}

/// The version of the group itself, or else the first in a group below it (a board may have its own).
fn first_version(group: &[Setting]) -> Result<Option<String>, ImageError> {
    if let Some(version) = find(group, "version") {
        return label(version).map(Some);
    }
    for setting in group {
        if let Value::Group(below) = &setting.value
            && let Some(version) = first_version(below)?
        {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

fn list_of(setting: &Setting) -> Result<&[Value], ImageError> {
    match &setting.value {
        Value::List(entries) => Ok(entries),
        Value::Group(_) | Value::Text(_) | Value::Plain => Err(setting
            .at
            .refuse(&format!("\"{}\" is not a list", setting.name))),
    }
}

fn text_of(setting: &Setting) -> Result<String, ImageError> {
    match &setting.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Group(_) | Value::List(_) | Value::Plain => Err(setting.at.refuse(&format!(
            "\"{}\" is not a string; put its value in double quotes",
            setting.name
        ))),
    }
}

/// A text of one line that isn't empty.
fn label(setting: &Setting) -> Result<String, ImageError> {
    let text = text_of(setting)?;
    if text.is_empty() {
        return Err(setting.at.refuse(&format!("\"{}\" is empty", setting.name)));
    }
    free_of_control(setting, &text)?;
    Ok(text)
}

fn free_of_control(setting: &Setting, text: &str) -> Result<(), ImageError> {
    if text.chars().any(char::is_control) {
        return Err(setting
            .at
            .refuse(&format!("\"{}\" has control characters", setting.name)));
    }
    Ok(())
}

fn digest_of(setting: &Setting) -> Result<Digest<32>, ImageError> {
    Digest::from_hex(&text_of(setting)?).ok_or_else(|| {
        setting.at.refuse(
            "\"sha256\" is not 64 hexadecimal digits (was a placeholder left in it when the image was built?)",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Description {
        Description::read(text.as_bytes()).unwrap().unwrap()
    }

    fn refusal(text: &str) -> String {
        Description::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn everything_that_matters_is_found() {
        let description = read(
            "software = {\n version = \"1.2.0\"; name: \"Gateway\", description = \"two\\nlines\";\n \
             hardware-compatibility: [ \"1.0\", \"#RE:^rev[0-9]+$\" ];\n \
             images: ( { filename = \"rootfs.gz\"; compressed = \"zlib\"; }, { type = \"nothing\"; } );\n }",
        );
        assert_eq!(description.version, "1.2.0");
        assert_eq!(description.name.as_deref(), Some("Gateway"));
        assert_eq!(description.description.as_deref(), Some("two\nlines"));
        assert_eq!(description.hardware, ["1.0", "#RE:^rev[0-9]+$"]);
        let at = Position {
            line: 4,
            column: 14,
        };
        assert_eq!(
            description.files,
            [File {
                name: "rootfs.gz".into(),
                sha256: None,
                at
            }]
        );
    }

    #[test]
    fn boards_and_copies_below_are_read_too() {
        let sha256 = "ab".repeat(32);
        let description = read(&format!(
            "software = {{ board-a = {{ version = \"3\"; hardware-compatibility = (\"r1\", \"r2\");
               stable: {{ one: {{ files: ( {{ filename = \"a\"; sha256 = \"{sha256}\"; }} ); }};
                          two: {{ scripts: ( {{ filename = \"b\"; }} ); }}; }}; }};
               board-b = {{ version = \"4\"; hardware-compatibility = (\"r2\", \"r3\"); }}; }};"
        ));
        assert_eq!(description.version, "3");
        assert_eq!(description.hardware, ["r1", "r2", "r3"]);
        let names: Vec<_> = description
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(description.files[0].sha256, Digest::from_hex(&sha256));
    }

    #[test]
    fn json_is_left_alone() {
        assert_eq!(Description::read(b" \n{ \"software\": {} }"), Ok(None));
    }

    #[test]
    fn impossible_descriptions_say_where_and_why() {
        for (text, expected) in [
            ("", "line 1, column 1: there is no group \"software\""),
            ("software = 1;", "there is no group \"software\""),
            (
                "\nsoftware = { };",
                "line 2, column 1: \"software\" has no \"version\"",
            ),
            (
                "software = { version = 1.0; };",
                "column 14: \"version\" is not a string",
            ),
            ("software = { version = \"\"; };", "\"version\" is empty"),
            (
                "software = { version = \"1\\n2\"; };",
                "\"version\" has control characters",
            ),
            (
                "software = { version = \"1\"; images = \"a\"; };",
                "\"images\" is not a list",
            ),
            (
                "software = { version = \"1\"; files = ( 1 ); };",
                "\"files\" has an entry that is not a group",
            ),
            (
                "software = { version = \"1\"; files = ( { filename = true; } ); };",
                "\"filename\" is not a string",
            ),
            (
                "software = { version = \"1\"; files = ( { filename = \"a\"; sha256 = \"@a\"; } ); };",
                "\"sha256\" is not 64 hexadecimal digits",
            ),
            (
                "software = { version = \"1\"; hardware-compatibility = [ 1 ]; };",
                "an entry that is not a string",
            ),
        ] {
            let message = refusal(text);
            assert!(message.contains(expected), "{message}");
        }
    }
}
