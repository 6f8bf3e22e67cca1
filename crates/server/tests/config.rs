//! The configuration file as a whole: files that must be accepted and what they mean, files that must be refused and
//! with which words (`config/invalid/*.txt`, rewritten when `UPDATE_GOLDEN=1`), the sample file, and the schema.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fleetward_core::Timestamp;
use fleetward_core::calendar::Calendar;
use fleetward_server::config::{
    Config, ConfigError, Enrollment, Environment, NOT_IN_EFFECT, Percent, Problem, Promotion,
    Seconds, Sources, Stage, Strategy, Warning, check, load, schema, serve_refusals,
};
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config");

/// An outside world with a few variables and one file.
fn sources() -> Sources {
    Sources::of(
        |name| {
            let value = match name {
                "ORGANIZATION" => "Example Ltd",
                "YES" => "true",
                "THREADS" => "8",
                "TOO_MANY" => "9000",
                "TOKEN" => "text-that-must-not-be-shown",
                _ => return None,
            };
            Some(value.to_owned())
        },
        |path| {
            if path == Path::new("secret") {
                return Ok("a secret from a file\n".to_owned());
            }
            Err(io::Error::new(io::ErrorKind::NotFound, "no such file"))
        },
    )
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(format!("{FOLDER}/{folder}"))
        .expect("the folder of fixtures exists")
        .map(|entry| entry.expect("a fixture can be listed").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

fn check_fixture(path: &Path) -> Result<(Config, Vec<Warning>), ConfigError> {
    let text = fs::read_to_string(path).expect("a fixture can be read");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    check(&name, &text, &sources())
}

fn valid(name: &str) -> (Config, Vec<Warning>) {
    match check_fixture(&Path::new(FOLDER).join("valid").join(name)) {
        Ok(accepted) => accepted,
        Err(error) => panic!("{error}"),
    }
}

fn rendered(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_valid_file_is_accepted() {
    for path in fixtures("valid") {
        if let Err(error) = check_fixture(&path) {
            panic!("{} was refused:\n{error}", path.display());
        }
    }
}

#[test]
fn every_invalid_file_is_refused_with_its_problems() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let files = fixtures("invalid");
    assert!(files.len() >= 25, "only {} files", files.len());
    for path in files {
        let Err(error) = check_fixture(&path) else {
            panic!("{} was accepted", path.display());
        };
        let actual = format!("{error}\n");
        assert!(!actual.contains("must-not-be-shown"), "{actual}");
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &actual).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(actual, expected, "{}", path.display());
    }
}

#[test]
fn an_empty_file_means_the_defaults() {
    for text in ["", "{}", "# nothing\n", "null"] {
        let (config, warnings) = check("empty.yaml", text, &sources()).unwrap();
        assert_eq!(config, Config::default(), "{text:?}");
        assert_eq!(rendered(&warnings), Vec::<String>::new());
    }
}

#[test]
fn the_sample_file_holds_the_defaults() {
    let (config, warnings) = check("default.yaml", Config::default_file(), &sources()).unwrap();
    assert_eq!(rendered(&warnings), Vec::<String>::new());
    assert_eq!(config, Config::default());
    assert!(serve_refusals(&config).is_empty());
    let path: Vec<&str> = config.path().into_iter().map(|(key, _)| key).collect();
    assert_eq!(path, ["development", "testing", "staging", "production"]);
}

/// The sample file with every key that is behind a `#` switched on.
fn sample_with_everything() -> String {
    let is_key = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("- ").unwrap_or(line);
        line.starts_with("${")
            || line.split_once(':').is_some_and(|(key, _)| {
                !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            })
    };
    let switched_on = |line: &str| match line.split_once("# ") {
        Some((indent, rest)) if indent.trim().is_empty() && is_key(rest) => {
            format!("{indent}{rest}\n")
        }
        Some(_) | None => format!("{line}\n"),
    };
    Config::default_file().lines().map(switched_on).collect()
}

#[test]
fn the_commented_keys_of_the_sample_file_are_right() {
    let outside = Sources::of(
        |name| {
            Some(match name {
                "DEVICE_DATABASE" | "DATABASE_URL" => "postgresql://fleet@db/fleet".to_owned(),
                "SLACK_WEBHOOK" | "DEPLOYMENT_WEBHOOK" => "https://example.com/hook".to_owned(),
                _ => format!("the value of {name}"),
            })
        },
        |_| Ok("0f".repeat(32)),
    );
    let text = sample_with_everything();
    let (config, warnings) = match check("everything.yaml", &text, &outside) {
        Ok(accepted) => accepted,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(config.health_checks.len(), 6);
    assert_eq!(config.performance.worker_threads, Some(4));
    assert!(
        warnings
            .iter()
            .all(|warning| warning.message.contains("not in effect"))
    );
    for key in keys(&schema()) {
        let named = text.lines().any(|line| {
            let line = line.trim_start();
            line.strip_prefix("- ")
                .unwrap_or(line)
                .starts_with(&format!("{key}:"))
        });
        assert!(named, "the sample file does not show the key `{key}`");
    }
}

#[test]
fn the_seed_is_accepted_with_warnings() {
    let (config, warnings) = valid("seed.yaml");
    assert_eq!(config.strategy, Strategy::Canary);
    assert_eq!(config.health_checks.len(), 3);
    assert_eq!(config.alerting.rules.len(), 2);
    let warned: BTreeSet<&str> = warnings
        .iter()
        .map(|warning| warning.path.as_str())
        .collect();
    for path in [
        "security.jwt_secret",
        "notifications.webhook.headers.Authorization",
        "notifications.slack.webhook_url",
        "database.connection_string",
        "environments.production.health_check_url",
        "cache",
    ] {
        assert!(warned.contains(path), "no warning for {path}: {warned:?}");
    }
    assert!(!warned.contains("environments.production.approval_required"));
    let refusals = rendered(&serve_refusals(&config));
    assert_eq!(refusals.len(), 1);
    assert!(
        refusals[0].starts_with("security.jwt_secret: "),
        "{refusals:?}"
    );
}

#[test]
fn a_key_that_is_not_in_effect_is_named_once() {
    let url = "health_check_url: 'https://example.com'";
    let text =
        format!("environments:\n  a: {{stage: testing, {url}}}\n  b: {{stage: testing, {url}}}\n");
    let (_, warnings) = check("two.yaml", &text, &sources()).unwrap();
    let [warning] = warnings.as_slice() else {
        panic!("{:?}", rendered(&warnings));
    };
    assert_eq!(warning.path, "environments.a.health_check_url");
    assert_eq!(warning.line, 2);
    assert!(
        warning.message.ends_with("(also set in 1 more place)"),
        "{warning}"
    );
}

#[test]
fn values_come_from_outside() {
    let (config, _) = valid("interpolation.yaml");
    assert_eq!(
        config.global.organization,
        "Example Ltd, literally ${ORGANIZATION}"
    );
    assert_eq!(config.performance.worker_threads, Some(8));
    let lab = &config.environments["lab"];
    assert!(lab.auto_rollback);
    assert_eq!(
        lab.gateway_tokens[0].expose(),
        "text-that-must-not-be-shown"
    );
    assert_eq!(
        config.security.jwt_secret.as_ref().unwrap().expose(),
        "a secret from a file"
    );
    assert!(!format!("{config:?}").contains("must-not-be-shown"));
    assert!(
        !serde_json::to_string(&config)
            .unwrap()
            .contains("a secret from a file")
    );
}

#[test]
fn an_environment_overrides_what_is_general() {
    let (config, warnings) = valid("overrides.yaml");
    let night = &config.environments["night"];
    assert_eq!(night.stage, Stage::Production);
    assert_eq!(night.promotion, Promotion::Off);
    assert_eq!(night.enrollment, Enrollment::Closed);
    assert_eq!(night.rollback_timeout, Seconds(60));
    assert_eq!(night.title("night"), "night");
    assert_eq!(
        config.rollback_criteria_in("night").max_failure_rate,
        Percent(0.0)
    );
    assert_eq!(
        config
            .rollback_criteria_in("empty_sections")
            .max_failure_rate,
        Percent(12.5)
    );
    assert!(
        warnings
            .iter()
            .all(|warning| !warning.path.ends_with("promotion"))
    );
}

#[test]
fn windows_and_freezes_mean_times() {
    let (config, warnings) = valid("calendar.yaml");
    assert_eq!(rendered(&warnings), Vec::<String>::new());
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let seed = config.environments["seed"].calendar();
    let nights = config.environments["nights"].calendar();
    let open = |calendar: &Calendar, text, zone| calendar.is_open(time(text), zone);
    // 2026-12-05 is a Saturday, and Berlin an hour ahead of UTC.
    assert!(open(&seed, "2026-12-05T02:00:00Z", None));
    assert!(!open(
        &seed,
        "2026-12-05T06:00:00Z",
        Some("America/New_York")
    ));
    for (text, expected) in [
        ("2026-12-04T20:59:00Z", false),
        ("2026-12-04T21:00:00Z", true),
        ("2026-12-05T04:59:00Z", true),
        ("2026-12-05T22:59:00Z", true),
        ("2026-12-05T23:00:00Z", false),
    ] {
        assert_eq!(open(&nights, text, None), expected, "{text}");
        assert_eq!(open(&nights, text, Some("no zone")), expected, "{text}");
    }
    let in_new_york = "2026-12-05T02:59:00Z";
    assert!(open(&nights, in_new_york, None));
    assert!(!open(&nights, in_new_york, Some("America/New_York")));
    assert_eq!(config.environments["nights"].blast_radius, Some(500));
    assert_eq!(
        config.environments["nights"].security_floor.as_deref(),
        Some("1.4.0")
    );
    assert_eq!(
        Environment::of(Stage::Testing).calendar(),
        Calendar::default()
    );

    let freeze = config.freeze_periods[0].freeze();
    assert!(freeze.covers(time("2026-12-23T17:00:00Z")));
    assert!(!freeze.covers(time("2027-01-04T07:00:00Z")));
    assert_eq!(freeze.reason, "Holidays");
    let freezes = config.freezes();
    let reasons: Vec<_> = freezes.map(|(key, it)| (key, it.reason)).collect();
    let expected = [(None, "Holidays"), (Some("nights"), "Trade fair")];
    assert_eq!(
        reasons,
        expected.map(|(key, reason)| (key, reason.to_owned()))
    );
}

#[test]
fn anchors_and_merge_keys_work() {
    let (config, _) = valid("anchors.yaml");
    let second = &config.environments["second"];
    assert!(second.approval_required);
    assert!(!second.auto_rollback);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let error = load(Path::new("etc/none.yaml"), &sources()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "etc/none.yaml: cannot be read: no such file"
    );
}

#[test]
fn files_are_found_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("name.txt"), "From a file\n").unwrap();
    let file = folder.path().join("deployment-config.yaml");
    fs::write(&file, "global: {organization: '${file:name.txt}'}").unwrap();
    let (config, _) = load(&file, &Sources::system()).unwrap();
    assert_eq!(config.global.organization, "From a file");
}

/// The names of all keys that the schema gives a meaning.
fn keys(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                found.extend(properties.keys().cloned());
            }
            let parts = object.iter().filter(|(keyword, _)| *keyword != "default");
            found.extend(parts.flat_map(|(_, value)| keys(value)));
        }
        Value::Array(items) => found.extend(items.iter().flat_map(keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

/// Asserts that each struct is closed, and that each of its keys has a title, a description and a known type.
fn assert_complete(schema: &Value, path: &str) {
    if let Value::Object(object) = schema {
        if let Some(Value::Object(properties)) = object.get("properties") {
            assert_eq!(object["additionalProperties"], Value::Bool(false), "{path}");
            for (key, property) in properties {
                let path = format!("{path}.{key}");
                if property.get("const").is_none() {
                    assert!(property["description"].is_string(), "{path}: {property}");
                    assert!(property["title"].is_string(), "{path}: {property}");
                }
                let typed = ["type", "$ref", "const", "enum", "oneOf"]
                    .iter()
                    .any(|keyword| property[keyword].is_string() || property[keyword].is_array());
                assert!(typed, "{path}: {property}");
            }
        }
        for (keyword, value) in object.iter().filter(|(keyword, _)| *keyword != "default") {
            assert_complete(value, &format!("{path}/{keyword}"));
        }
    } else if let Value::Array(items) = schema {
        for item in items {
            assert_complete(item, path);
        }
    }
}

#[test]
fn the_schema_describes_every_key() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_complete(&schema, "");
    let Value::Object(written) = serde_json::to_value(Config::default()).unwrap() else {
        panic!("a configuration is a mapping");
    };
    let written: BTreeSet<&String> = written.keys().collect();
    let described: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(written, described);
    assert!(
        !schema.to_string().contains("\"null\""),
        "no key may be null"
    );
}

#[test]
fn every_key_not_in_effect_exists() {
    let schema = schema();
    for listed in NOT_IN_EFFECT {
        let mut at = &schema;
        for step in listed.path.split('.') {
            at = match step {
                "*" => &at["additionalProperties"],
                key => &at["properties"][key],
            };
            if let Some(name) = at["$ref"].as_str() {
                at = &schema["$defs"][name.trim_start_matches("#/$defs/")];
            }
            assert!(at.is_object(), "{} is no key", listed.path);
        }
    }
}
