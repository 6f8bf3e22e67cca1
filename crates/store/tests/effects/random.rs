//! Random fleets, and random effects and reports on them: after each the store says what the model says.

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, Class, FailureKind, Report};
use fleetward_core::engine::{Effect, Recipients, UnfetchedFate};
use fleetward_core::ids::{ActionId, WaveIndex};
use fleetward_store::actions::{RosterRow, of_device};
use fleetward_store::reports::{Applied, DeviceReport, apply};
use fleetward_store::{comers, devices};

use crate::fleet::{Fleet, Member, Wishes, add_device, own_clocks, racks};
use crate::model::{Attempt, Model};

const FLEETS: u64 = 120;
const STEPS: usize = 40;

/// Chance that repeats: SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// What a fleet goes through at one moment.
#[derive(Clone, Debug)]
enum Event {
    Effect(Effect),
    Reports(Vec<(i64, ActionId, Report)>),
    Arrives(i64),
    Joins(Member),
    Leaves(i64),
}

struct Trial {
    fleet: Fleet,
    model: Model,
    now: Timestamp,
    told: Vec<String>,
}

#[test]
fn the_store_does_what_the_model_does() {
    for seed in 0..FLEETS {
        let mut dice = Dice(seed);
        let mut trial = Trial::begin(&mut dice);
        for _ in 0..STEPS {
            let wait = [0, 1, 7_300, 400_000, 4_000_000];
            let wait = jiff::SignedDuration::from_millis(dice.of(&wait));
            trial.now = trial.now.checked_add(wait).unwrap();
            let event = trial.draw(&mut dice);
            trial.told.push(format!("{}: {event:?}", trial.now));
            let told = || format!("fleet {seed} after\n{}", trial.told.join("\n"));
            let told = told();
            trial.happen(&event, &told);
            trial.compare(&told);
        }
    }
}

fn member(dice: &mut Dice, waves: u64) -> Member {
    Member {
        wave: dice.below(waves) as u32,
        version: dice.of(&["1.0.0", "1.0.0", "1.0.0", "0.9.0", "1.5.0", ""]),
        domain: dice.of(&[None, Some("a"), Some("a"), Some("b")]),
        zone: dice.of(&[None, Some("UTC"), Some("Asia/Tokyo")]),
        can_stage: dice.one_in(2),
        floor: dice.of(&[None, None, None, Some("1.2.0"), Some("0.5.0")]),
    }
}

fn wishes(dice: &mut Dice) -> Wishes {
    let mut wishes = serde_json::json!({"dynamic": true, "retries": {}});
    for kind in FailureKind::ALL.into_iter().filter(|kind| kind.of_update()) {
        if dice.one_in(2) {
            let times = dice.below(3) + 1;
            wishes["retries"][kind.name()] = serde_json::json!({"times": times, "backoff": 90});
        }
    }
    if dice.one_in(2) {
        wishes["pace"] = racks(dice.of(&[20, 50, 100]));
    }
    if dice.one_in(2) {
        wishes["calendar"] = own_clocks();
    }
    if dice.one_in(3) {
        wishes["stepping_stones"] = serde_json::json!(["1.5.0", "1.7.0"]);
    }
    if dice.one_in(3) {
        wishes["security_floor"] = serde_json::json!("1.0.0");
    }
    wishes
}

impl Trial {
    fn begin(dice: &mut Dice) -> Self {
        let wishes = wishes(dice);
        let waves = dice.below(3) + 1;
        let size = dice.below(12) + 3;
        let members: Vec<Member> = (0..size).map(|_| member(dice, waves)).collect();
        let mut line: Vec<i64> = (1..=size as i64).collect();
        line.sort_by_cached_key(|_| dice.roll());
        let fleet = Fleet::in_line(&wishes, &members, &line);
        let by_zone = wishes.get("calendar").is_some();
        let stones = &fleet.plan.stepping_stones;
        let model = Model::new(&fleet.order, stones, by_zone, fleet.waves, &members, &line);
        Self {
            told: vec![format!("{wishes}, {members:?}, {line:?}")],
            fleet,
            model,
            now: crate::fleet::at(1_000_000),
        }
    }

    fn draw(&self, dice: &mut Dice) -> Event {
        let some = dice.below(self.model.devices.len() as u64) as i64 + 1;
        match dice.below(20) {
            0..=4 => Event::Effect(self.offer(dice)),
            5..=12 => {
                let reports = dice.below(4) + 1;
                let mut draw = || self.report(dice);
                Event::Reports((0..reports).map(|_| draw()).collect())
            }
            13 | 14 => Event::Effect(Effect::Expire {
                unfetched: dice.of(&[
                    UnfetchedFate::Late,
                    UnfetchedFate::Late,
                    UnfetchedFate::Skip,
                    UnfetchedFate::KeepWaiting,
                ]),
            }),
            15 => Event::Effect(self.rarer(dice)),
            16 | 17 => Event::Arrives(some),
            18 => Event::Joins(member(dice, 1)),
            _ => Event::Leaves(some),
        }
    }

    fn offer(&self, dice: &mut Dice) -> Effect {
        let wave = WaveIndex(dice.below(self.fleet.waves as u64) as u32);
        let zones = dice.of(&[
            None,
            None,
            Some(&["UTC", ""][..]),
            Some(&["Asia/Tokyo"][..]),
        ]);
        let zones = zones.map(|zones| zones.iter().map(|&zone| zone.to_owned()).collect());
        let at_most = dice.of(&[0, 1, 2, 3, u64::MAX, u64::MAX]);
        let to = match dice.below(5) {
            0 => {
                return Effect::Switch {
                    wave,
                    at_most,
                    zones,
                };
            }
            1 => Recipients::Stragglers {
                joined: dice.one_in(2),
            },
            _ => Recipients::Waves {
                through: wave,
                staging: dice.one_in(3),
            },
        };
        Effect::Offer { to, at_most, zones }
    }

    fn rarer(&self, dice: &mut Dice) -> Effect {
        match dice.below(7) {
            0 => Effect::Withdraw,
            1 => Effect::WithdrawStragglers,
            2 | 3 => Effect::StopInFlight,
            _ => Effect::Recall {
                at_most: dice.of(&[1, 3, u64::MAX]),
                deadline: self.fleet.order.rollback_timeout.after(self.now),
            },
        }
    }

    /// Mostly on what is open, sometimes on what was, and now and then on what never was.
    fn report(&self, dice: &mut Dice) -> (i64, ActionId, Report) {
        const REPORTS: [Report; 13] = [
            Report::Retrieved,
            Report::Retrieved,
            Report::Downloading,
            Report::Downloaded,
            Report::Installing,
            Report::Rebooting,
            Report::Information,
            Report::Succeeded,
            Report::Succeeded,
            Report::Failed,
            Report::Failed,
            Report::CancelAccepted,
            Report::CancelRefused,
        ];
        let devices = &self.model.devices;
        let begun: Vec<_> = devices.iter().filter(|d| !d.attempts.is_empty()).collect();
        if begun.is_empty() || dice.one_in(40) {
            return (1, ActionId(9), dice.of(&REPORTS));
        }
        let device = dice.of(&begun);
        let open = device
            .attempts
            .iter()
            .find(|a| a.state != ActionState::Closed);
        let any = &device.attempts[dice.below(device.attempts.len() as u64) as usize];
        let attempt = open.filter(|_| !dice.one_in(5)).unwrap_or(any);
        (device.key, attempt.id, dice.of(&REPORTS))
    }

    fn happen(&mut self, event: &Event, told: &str) {
        let now = self.now;
        match event {
            Event::Effect(effect) => {
                let stored = self.fleet.effect(effect, now);
                let modelled = self.model.carry_out(effect, now);
                let in_order = matches!(
                    effect,
                    Effect::Offer { .. } | Effect::Switch { .. } | Effect::Recall { .. }
                );
                assert_eq!(
                    arranged(stored, in_order),
                    arranged(modelled, in_order),
                    "{told}"
                );
            }
            Event::Reports(reports) => self.hear(reports, told),
            Event::Arrives(key) => {
                let executions = self.fleet.write(|tx| comers::arrived(tx, &[*key], now));
                assert_eq!(!executions.is_empty(), self.model.arrived(*key), "{told}");
            }
            Event::Joins(member) => {
                let id = format!("dev-{}", self.model.devices.len() + 1);
                let joined = self.fleet.write(|tx| {
                    add_device(tx, &id, member)?;
                    comers::join(tx, &id, now)
                });
                assert_eq!(joined, [self.fleet.target.execution_key], "{told}");
                self.model.add(member, Class::Joined);
            }
            Event::Leaves(key) => {
                let left = self.fleet.write(|tx| {
                    devices::move_to(tx, *key, "lab")?;
                    comers::leave(tx, *key, "lab", now)
                });
                assert_eq!(!left.is_empty(), self.model.left(*key), "{told}");
            }
        }
    }

    fn hear(&mut self, reports: &[(i64, ActionId, Report)], told: &str) {
        let group: Vec<DeviceReport> = reports
            .iter()
            .map(|&(device_key, action, report)| DeviceReport {
                device_key,
                action,
                report,
                detail: "[]".into(),
            })
            .collect();
        let applied = self.fleet.write(|tx| apply(tx, &group, self.now));
        for (&(key, action, report), applied) in reports.iter().zip(applied) {
            let makes_sense = self.model.report(key, action, report, self.now);
            let was = matches!(applied, Applied::Changed { .. });
            assert_eq!(was, makes_sense, "{report:?} of {key}: {told}");
        }
    }

    fn compare(&self, told: &str) {
        assert_eq!(self.fleet.census(), self.model.census(), "{told}");
        let (rows, roster) = (self.fleet.rows(), self.fleet.roster());
        for modelled in &self.model.devices {
            let row = &rows[&modelled.key];
            let stored = (row.wave, row.status, row.class, row.failure, row.failures);
            let expected = (
                modelled.wave,
                modelled.status,
                modelled.class,
                modelled.failure,
                modelled.failures,
            );
            assert_eq!(stored, expected, "device {}: {told}", modelled.key);
            let stored = (row.retry_at, row.deadline, row.stones_left as usize);
            let expected = (modelled.retry_at, modelled.deadline, modelled.stones_left);
            assert_eq!(stored, expected, "device {}: {told}", modelled.key);
            let device = self.fleet.device(modelled.key);
            let stored = (device.version, device.can_stage, device.quarantined);
            let expected = (
                modelled.version.clone(),
                modelled.can_stage,
                modelled.quarantined,
            );
            assert_eq!(stored, expected, "device {}: {told}", modelled.key);
            let row = &roster[&modelled.key];
            let attempts = self.attempts(row);
            let expected: Vec<Attempt> = modelled.attempts.iter().map(shown).collect();
            assert_eq!(attempts, expected, "device {}: {told}", modelled.key);
            let open = attempts.iter().find(|a| a.state != ActionState::Closed);
            let on_roster = row.action.map(|action| action.action_id);
            assert_eq!(
                on_roster,
                open.map(|a| a.id),
                "device {}: {told}",
                modelled.key
            );
        }
        self.compare_room(told);
    }

    /// What is free at each place shows in who would be offered the update now.
    fn compare_room(&self, told: &str) {
        let everybody = crate::fleet::offer(u32::MAX);
        let stored = self.fleet.would(&everybody, self.now);
        assert_eq!(stored, self.model.would_offer(self.now), "{told}");
    }

    /// A device's attempts, oldest first.
    fn attempts(&self, roster: &RosterRow) -> Vec<Attempt> {
        let key = roster.device_key;
        let newest_first = self.fleet.read(|tx| of_device(tx, key, 1000));
        let staging = |id| {
            let open = roster.action.filter(|open| open.action_id == id);
            open.is_some_and(|open| open.staging)
        };
        let attempts = newest_first.into_iter().rev();
        attempts
            .map(|attempt| Attempt {
                id: attempt.action_id,
                kind: attempt.kind,
                state: attempt.state,
                staging: staging(attempt.action_id),
                version: attempt.version,
                failure: attempt.failure,
            })
            .collect()
    }
}

/// What an attempt that is over was for is not shown.
fn shown(attempt: &Attempt) -> Attempt {
    Attempt {
        staging: attempt.staging && attempt.state != ActionState::Closed,
        ..attempt.clone()
    }
}

fn arranged(mut keys: Vec<i64>, in_order: bool) -> Vec<i64> {
    if !in_order {
        keys.sort_unstable();
    }
    keys
}
