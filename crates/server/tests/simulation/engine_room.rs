//! Driving executions, by one driver or by two, and carrying what they decide to the outside.

use fleetward_core::engine::{Effect, Input, Recipients};
use fleetward_core::ids::WaveIndex;
use fleetward_server::driver::{DriveError, Driven, drive, drive_leased};
use fleetward_store::actions::roster_of;
use fleetward_store::effects::{Target, carry_out};
use fleetward_store::leases::{self, Lease};
use fleetward_store::{Tx, executions};

use crate::process::ready;
use crate::simulation::{Event, Misdeed, Simulation, Trouble};
use crate::time::{SECOND, moment};
use crate::violation::{Checked, hold, promise};

/// The other driver's name.
const RIVAL: &str = "rival";

impl Simulation {
    /// When the driver acts next.
    pub(crate) fn next_drive(&mut self) -> Option<i64> {
        let process = self.process.as_mut()?;
        process.awake.extend(process.app.wakes.take());
        if !process.awake.is_empty() {
            let slow = self.troubles.slow && self.chance.percent(30);
            let wait = if slow {
                self.chance.between(0, 3 * SECOND)
            } else {
                0
            };
            return Some(*self.drive_at.get_or_insert(self.now + wait));
        }
        self.drive_at = None;
        let timer = process.timers.values().min()?;
        Some((moment(*timer) - self.offset).max(self.now))
    }

    /// The driver looks at one execution.
    pub(crate) fn drive(&mut self) -> Checked {
        self.drive_at = None;
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let due = process.due();
        if due.is_empty() {
            return Ok(());
        }
        let key = *self.chance.pick(&due);
        process.awake.remove(&key);
        process.timers.remove(&key);
        let holder = process.driver.holder.clone();
        self.trace
            .step(self.now, format_args!("{holder} looks at execution {key}"));
        let driven = self.call(|process| ready(process.driver.drive_once(key)))?;
        self.driven(key, &holder, driven)?;
        if self.misdeed == Some(Misdeed::OneMore) {
            self.offer_one_more(key)?;
        }
        Ok(())
    }

    fn driven(
        &mut self,
        key: i64,
        holder: &str,
        driven: Result<Option<fleetward_core::Timestamp>, Trouble>,
    ) -> Checked {
        if self.process.is_none() {
            return Ok(());
        }
        self.observe()?;
        let now = self.clock();
        let again = match driven {
            Ok(wake_at) => {
                self.check_deadlines(key, holder, wake_at)?;
                wake_at
            }
            Err(_) => now.checked_add(jiff::SignedDuration::from_secs(1)).ok(),
        };
        if let (Some(process), Some(at)) = (&mut self.process, again) {
            let known = process.timers.entry(key).or_insert(at);
            *known = (*known).min(at);
        }
        Ok(())
    }

    /// No deadline of an execution that was looked at lies in the past, and it is looked at again in time.
    fn check_deadlines(
        &self,
        key: i64,
        holder: &str,
        wake_at: Option<fleetward_core::Timestamp>,
    ) -> Checked {
        let held = self
            .mirror
            .leases
            .get(&key)
            .is_some_and(|lease| lease.holder == holder);
        let earliest = self
            .mirror
            .members_of(key)
            .filter_map(|member| member.row.deadline)
            .min();
        let Some(earliest) = earliest.filter(|_| held) else {
            return Ok(());
        };
        let now = self.clock();
        let soon = wake_at.is_some_and(|at| at <= now);
        let told =
            || format!("execution {key}: deadline {earliest}, now {now}, next look {wake_at:?}");
        hold(soon || earliest > now, promise::DEADLINES, told)?;
        hold(
            wake_at.is_some_and(|at| at <= earliest.max(now)),
            promise::DEADLINES,
            told,
        )
    }

    /// A second driver looks at an execution, or acts on a lease that it had.
    pub(crate) fn rival(&mut self) -> Checked {
        if self.process.is_none() || self.mirror.executions.is_empty() {
            return Ok(());
        }
        if !self.old_leases.is_empty() && self.chance.percent(60) {
            return self.act_on_old_lease();
        }
        let keys: Vec<i64> = self.mirror.executions.keys().copied().collect();
        let key = *self.chance.pick(&keys);
        if let Some(row) = self.mirror.leases.get(&key) {
            self.old_leases.push(Lease {
                execution_key: key,
                epoch: row.epoch,
            });
        }
        self.trace
            .step(self.now, format_args!("{RIVAL} looks at execution {key}"));
        let driven = self.act(move |tx, config, now| drive_leased(tx, config, RIVAL, key, now))?;
        let wake_at = driven.map(|driven| driven.wake_at);
        self.driven(key, RIVAL, wake_at)?;
        let soon = self.chance.between(SECOND, 600 * SECOND);
        if self.now + soon < self.horizon {
            self.after(soon, Event::Rival);
        }
        Ok(())
    }

    fn act_on_old_lease(&mut self) -> Checked {
        let lease = *self.chance.pick(&self.old_leases);
        let key = lease.execution_key;
        let current = self
            .mirror
            .leases
            .get(&key)
            .map(|row| (row.epoch, row.holder.clone()));
        let overtaken = current
            .as_ref()
            .is_none_or(|(epoch, _)| *epoch != lease.epoch);
        let guarded = self.misdeed != Some(Misdeed::SkipGuard);
        self.trace
            .step(self.now, format_args!("somebody acts on lease {lease:?}"));
        let driven = self.act(move |tx, config, now| {
            let driven = drive(tx, config, key, Input::Tick, now)?;
            if guarded {
                leases::guard(tx, &lease)?;
            }
            Ok(driven)
        })?;
        match driven {
            Ok(driven) => {
                hold(!overtaken, promise::FENCED, || {
                    format!("{lease:?} counted, and it is {current:?}")
                })?;
                let holder = current.map_or_else(String::new, |(_, holder)| holder);
                self.driven(key, &holder, Ok(driven.wake_at))
            }
            Err(Trouble::Fenced) => {
                hold(overtaken, promise::FENCED, || {
                    format!("{lease:?} is the newest")
                })?;
                let done = self.observe()?;
                let nothing = done.executions.is_empty() && done.devices.is_empty();
                hold(nothing, promise::FENCED, || {
                    format!("{lease:?} changed something")
                })
            }
            Err(_) => Ok(()),
        }
    }

    /// Has somebody drive, with everything that follows.
    fn act(
        &mut self,
        work: impl FnOnce(
            &Tx<'_>,
            &fleetward_server::config::Config,
            fleetward_core::Timestamp,
        ) -> Result<Driven, DriveError>
        + Send
        + 'static,
    ) -> Checked<Result<Driven, Trouble>> {
        let now = self.clock();
        self.call(move |process| {
            let config = std::sync::Arc::clone(&process.app.config);
            let roster = std::sync::Arc::clone(&process.app.roster);
            let run = move |tx: &Tx<'_>| work(tx, &config, now);
            let follow = move |driven: &Driven| roster.refresh(&driven.roster);
            let driven = ready(process.app.store.write_then(run, follow))?;
            process.app.wakes.wake(driven.wake.iter().copied());
            Ok::<_, DriveError>(driven)
        })
    }

    /// What no driver may do: hands the update to one more device of the first wave that waits.
    fn offer_one_more(&mut self, key: i64) -> Checked {
        let Some(seen) = self.mirror.executions.get(&key) else {
            return Ok(());
        };
        if seen.outcome.is_some() || seen.row.offers == 0 {
            return Ok(());
        }
        let last = WaveIndex(seen.rollout.waves.len() as u32 - 1);
        let order = seen.rollout.order.clone();
        let offered = self.act(move |tx, _, now| {
            let to = Recipients::Waves {
                through: last,
                staging: false,
            };
            let effect = Effect::Offer {
                to,
                at_most: 1,
                zones: None,
            };
            let firmware_key = executions::by_key(tx, key)?.map_or(0, |found| found.firmware_key);
            let target = Target {
                execution_key: key,
                firmware_key,
            };
            let changed = carry_out(tx, target, &effect, &order, now)?;
            Ok(Driven {
                roster: roster_of(tx, &changed)?,
                ..Driven::default()
            })
        })?;
        drop(offered);
        if self.process.is_some() {
            self.observe()?;
        }
        Ok(())
    }

    /// Those who listen hear what was carried.
    pub(crate) fn hear(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        while let Ok(event) = process.heard.try_recv() {
            self.told.insert(event.number);
        }
    }

    /// Carries what was decided to those who listen.
    pub(crate) fn carry(&mut self) -> Checked {
        self.carry_due = false;
        if self.process.is_none() {
            return Ok(());
        }
        let carried = self.call(|process| ready(process.carrier.carry()))?;
        if self.process.is_none() {
            return Ok(());
        }
        let more = !matches!(carried, Ok(false));
        self.observe()?;
        if more {
            self.carry_due = true;
            self.after(SECOND, Event::Carry);
        }
        Ok(())
    }
}
