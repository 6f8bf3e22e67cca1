//! A real device: SWUpdate, as Debian packages it, takes part in rollouts beside simulated devices.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fleetward_device_sim::{Behaviour, FleetHandle};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::support::{CONFIG, GATEWAY, LOOK, PATIENCE, Site, end_of, is_installed, summaries};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware/tests/samples");
/// Where the signed images of the samples put their payload.
const PAYLOAD: &str = "/tmp/fw-out/payload-a.bin";
/// How long a device may be silent after an installation before its watchdog bites.
const WATCHDOG: Duration = Duration::from_secs(20);
/// Held by the one test whose images may be installed.
static INSTALLING: Mutex<()> = Mutex::const_new(());

/// One life of the device `swu-1`: SWUpdate and its children in a process group of their own.
struct Swupdate {
    process: Child,
    log: PathBuf,
}

impl Swupdate {
    /// Starts the device on this version; `confirm` is what its bootloader would know of the update before.
    fn boot(site: &Site, version: &str, confirm: Option<&str>) -> Self {
        let folder = tempfile::tempdir_in(site.path()).unwrap().keep();
        let settings = folder.join("swupdate.cfg");
        let identity = [
            ("sw_version", version),
            ("hw_boardname", "sample"),
            ("hw_revision", "rev1"),
        ];
        let identity =
            identity.map(|(name, value)| format!("{{ name = \"{name}\"; value = \"{value}\"; }}"));
        let identity = format!(
            "globals : {{ verbose = true; }};\nsuricatta : {{ }};\nidentify : ( {} );\n",
            identity.join(", ")
        );
        fs::write(&settings, identity).unwrap();
        let confirm = confirm.map(|state| format!(" -c {state}"));
        let server = format!(
            "-t production -u {} -i swu-1 -g {GATEWAY} -p 1{}",
            site.url,
            confirm.unwrap_or_default()
        );
        let log = folder.join("swupdate.log");
        let out = fs::File::create(&log).unwrap();
        let process = Command::new("swupdate")
            .arg("-f")
            .arg(&settings)
            .args(["-k", &format!("{SAMPLES}/keys/swupdate-cms.cert.pem")])
            .args(["-H", "sample:rev1", "-l", "5", "-u", &server])
            .env("TMPDIR", &folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .process_group(0)
            .spawn()
            .unwrap();
        Self { process, log }
    }

    /// Sends a signal to the whole group; answers whether it went out.
    fn signal(&self, signal: &str) -> bool {
        let group = format!("-{}", self.process.id());
        let sent = Command::new("kill").args([signal, "--", &group]).status();
        sent.is_ok_and(|sent| sent.success())
    }

    /// Waits until what is at a path is as wished, or the device hangs after it logged how an installation ended.
    /// SWUpdate 2022.12 does that once in some dozens of installations, with no request under way; devices have a
    /// watchdog for it.
    async fn watch(&self, site: &Site, path: &str, end: &str, wished: impl Fn(&Value) -> bool) {
        let ended = || {
            let log = fs::read(&self.log).unwrap_or_default();
            String::from_utf8_lossy(&log).contains(end)
        };
        let begun = Instant::now();
        let mut at_end = None;
        while !wished(&site.get(path).await) {
            if at_end.is_none() && ended() {
                at_end = Some(Instant::now());
            }
            if at_end.is_some_and(|at| at.elapsed() > WATCHDOG) {
                eprintln!("SWUpdate hangs after `{end}`: the watchdog bites");
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} and the device stay");
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Swupdate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- SWUpdate's log ends:\n{}", end_of(&self.log));
        }
        // Its children outlive it now and then. There is nobody to tell if they are gone already.
        let _sent = self.signal("-KILL");
        drop(self.process.wait());
    }
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(SAMPLES).join(name)).unwrap()
}

/// `production` with `swu-1` and simulated devices, all on 1.0.0, and with 1.1.0 for them.
async fn mixed(site: &Site, simulated: usize) -> (Swupdate, FleetHandle) {
    drop(fs::remove_file(PAYLOAD));
    site.upload("1.0.0").await;
    let image = sample("swupdate-cms-1.1.0.swu");
    let (status, image) = site.try_upload("pump.swu", None, image).await;
    assert_eq!(status, 201, "{image}");
    assert_eq!(image["version"], "1.1.0");
    assert_eq!(
        (&image["format"], &image["signed"]),
        (&json!("swu"), &json!(true))
    );
    // What is damaged on its way is left for SWUpdate to find.
    let behaviour = Behaviour {
        verifies_artifact: false,
        ..Behaviour::default()
    };
    let devices = site
        .fleet(simulated, behaviour)
        .start(CancellationToken::new())
        .unwrap();
    let device = Swupdate::boot(site, "1.0.0", None);
    site.all_on("1.0.0", simulated as u64 + 1).await;
    (device, devices)
}

fn plan(version: &str, strategy: &str) -> Value {
    json!({
        "name": format!("Pumps to {version}"), "firmware_version": version,
        "target_environment": "production", "strategy": strategy, "canary_percentage": 25,
        "monitor_seconds": 1, "rollback_criteria": {"max_failure_rate": 10},
    })
}

/// Waits until `swu-1` has installed an update, and boots it into 1.1.0.
async fn reboot(site: &Site, device: Swupdate, execution: &str) -> Swupdate {
    let path = format!("/api/deployments/{execution}/devices?status=rebooting");
    device
        .watch(site, &path, "SWUPDATE successful", |found| {
            found["items"][0]["device_id"] == "swu-1"
        })
        .await;
    assert_eq!(fs::read(PAYLOAD).unwrap(), sample("payload-a.bin"));
    drop(device);
    Swupdate::boot(site, "1.1.0", Some("2"))
}

#[tokio::test]
async fn swupdate_takes_part_in_a_canary() {
    if !is_installed("swupdate") {
        return;
    }
    let _installing = INSTALLING.lock().await;
    let site = Site::start(CONFIG).await;
    let (device, mut devices) = mixed(&site, 19).await;
    let device = a_good_version_goes_to_the_end(&site, device).await;
    a_damaged_image_is_not_taken_in(&site).await;
    a_version_that_fails_on_the_device_comes_back(&site, device).await;
    devices.stop().await;
    assert!(devices.devices().all(|device| device.version == "1.1.0"));
    assert_eq!(devices.stats().violations, 0);
}

async fn a_good_version_goes_to_the_end(site: &Site, device: Swupdate) -> Swupdate {
    let id = site.roll_out(plan("1.1.0", "canary")).await;
    let device = reboot(site, device, &id).await;
    let execution = site.outcome(&id).await;
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(execution["counts"], json!({"succeeded": 20}));
    assert_eq!(execution["waves"][0]["devices"], 5);
    let known = site.get("/api/devices/swu-1").await;
    assert_eq!(known["model"], "sample");
    assert_eq!(known["version"], "1.1.0");
    assert_eq!(known["executions"][0]["wave"], 1, "{known:#}");
    assert_eq!(known["executions"][0]["status"], "succeeded");
    site.all_on("1.1.0", 20).await;
    device
}

async fn a_damaged_image_is_not_taken_in(site: &Site) {
    let image = sample("bad/swupdate-flipped-byte.swu");
    let (status, problem) = site.try_upload("bad.swu", None, image).await;
    assert!(status.is_client_error(), "{status} {problem}");
    assert_eq!(problem["code"], "bad_image", "{problem}");
}

/// The image is damaged after it was checked, as a failing disk does it.
async fn a_version_that_fails_on_the_device_comes_back(site: &Site, mut device: Swupdate) {
    let image = sample("swupdate-cms-newc-1.2.0.swu");
    let (status, image) = site.try_upload("pump.swu", Some("1.2.0"), image).await;
    assert_eq!(status, 201, "{image}");
    flip_a_byte(site, image["sha256"].as_str().unwrap());

    assert!(device.signal("-STOP"));
    let id = site.roll_out(plan("1.2.0", "canary")).await;
    let path = format!("/api/deployments/{id}");
    let first_wave = json!({"succeeded": 4, "released": 1});
    site.wait_for(&path, |found| found["waves"][0]["counts"] == first_wave)
        .await;
    assert!(device.signal("-CONT"));
    let failed = |found: &Value| found["executions"][0]["status"] == "failed";
    device
        .watch(site, "/api/devices/swu-1", "SWUPDATE failed", failed)
        .await;
    if !failed(&site.get("/api/devices/swu-1").await) {
        drop(device);
        device = Swupdate::boot(site, "1.1.0", None);
    }

    let execution = site.outcome(&id).await;
    assert_eq!(execution["status"], "rolled_back", "{execution:#}");
    assert_eq!(
        execution["counts"],
        json!({"failed": 1, "rolled_back": 4, "cancelled": 15})
    );
    let decisions = site.decisions(&id).await;
    let told = summaries(&decisions);
    for expected in [
        "stopped: wave 1 has 1 failed and 4 succeeded of 5, more than the 10 % allowed",
        "4 devices are back on the version they had",
    ] {
        assert!(told.contains(&expected), "{expected}: {told:#?}");
    }
    site.all_on("1.1.0", 20).await;

    let known = site.get("/api/devices/swu-1").await;
    assert_eq!(known["executions"][0]["failure"], "install_failed");
    assert_eq!(known["attempts"][0]["version"], "1.2.0");
    let said = known["attempts"][0]["messages"].to_string();
    assert!(said.contains("Checksum does not match"), "{known:#}");
    drop(device);
}

fn flip_a_byte(site: &Site, sha256: &str) {
    let blob = site.data().join("images").join(&sha256[..2]).join(sha256);
    let mut bytes = fs::read(&blob).unwrap();
    let within_the_payload = bytes.len() / 2;
    bytes[within_the_payload] ^= 0xff;
    fs::write(&blob, bytes).unwrap();
}

#[tokio::test]
async fn swupdate_is_held_back_until_the_switch() {
    if !is_installed("swupdate") {
        return;
    }
    let _installing = INSTALLING.lock().await;
    let site = Site::start(CONFIG).await;
    let (device, mut devices) = mixed(&site, 9).await;
    let id = site.roll_out(plan("1.1.0", "blue_green")).await;
    let device = reboot(&site, device, &id).await;
    let execution = site.outcome(&id).await;
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(execution["counts"], json!({"succeeded": 10}));

    let decisions = site.decisions(&id).await;
    let told = summaries(&decisions);
    let held = "wave 1: slots filled, 0 failed and 9 succeeded of 9; 1 held back until the switch";
    assert!(told.contains(&held), "{told:#?}");
    let known = site.get("/api/devices/swu-1").await;
    let attempts = known["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{known:#}");
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let switched = time(&execution["waves"][0]["switched_at"]);
    assert!(time(&attempts[0]["opened_at"]) >= switched, "{known:#}");
    devices.stop().await;
    drop(device);
}
