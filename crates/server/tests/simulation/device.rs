//! One simulated device: what it does with what it is offered. Nothing of the server is here.

use std::collections::BTreeSet;

use fleetward_core::device::{AttemptKind, Report};

use crate::chance::Chance;
use crate::scenario::Character;
use crate::time::{DAY, HOUR, MINUTE, SECOND};

/// What a device does next, and after how long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    /// Says how far it is; once, whether it is heard or not.
    Say(Report),
    /// Runs the offered version from now on.
    Install,
    /// Has the offered version in its other slot.
    Fill,
    /// Says how it ended, until that is acknowledged.
    Conclude(Report),
    /// Can't be reached for so long.
    Vanish(i64),
}

/// Something that a device is at.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) action: u32,
    pub(crate) execution: i64,
    pub(crate) target: &'static str,
    /// It runs the target already, or is about to: there is no way to stop.
    pub(crate) committed: bool,
    /// Tells events of this work from those of what it was at before.
    pub(crate) number: u64,
    moves: std::vec::IntoIter<(i64, Move)>,
}

impl Work {
    pub(crate) fn next(&mut self) -> Option<(i64, Move)> {
        self.moves.next()
    }
}

/// What an offer says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) action: u32,
    pub(crate) execution: i64,
    pub(crate) kind: AttemptKind,
    pub(crate) staging: bool,
    pub(crate) target: &'static str,
}

/// One simulated device.
pub(crate) struct Device {
    pub(crate) character: Character,
    /// Its number in the database, once it is known there.
    pub(crate) key: Option<i64>,
    /// What it really runs.
    pub(crate) version: &'static str,
    /// The execution that brought that.
    pub(crate) brought_by: Option<i64>,
    pub(crate) work: Option<Work>,
    /// The attempt whose image is in its other slot, and the execution.
    pub(crate) slot: Option<u32>,
    /// Attempts that it asked for and was told about.
    pub(crate) begun: BTreeSet<u32>,
    /// Attempts that it is asking for right now.
    pub(crate) asking: BTreeSet<u32>,
    /// Attempts that it was asked to stop and answered about.
    pub(crate) answered: BTreeSet<u32>,
    /// Attempts whose end it said and that was acknowledged.
    pub(crate) concluded: BTreeSet<u32>,
    /// Attempts whose end it still tries to say.
    pub(crate) saying: BTreeSet<u32>,
    pub(crate) next_poll: Option<i64>,
    away: Vec<(i64, i64)>,
    chance: Chance,
    works: u64,
}

impl Device {
    pub(crate) fn new(character: Character, chance: Chance) -> Self {
        Self {
            version: character.version,
            away: character.away.clone(),
            character,
            key: None,
            brought_by: None,
            work: None,
            slot: None,
            begun: BTreeSet::new(),
            asking: BTreeSet::new(),
            answered: BTreeSet::new(),
            concluded: BTreeSet::new(),
            saying: BTreeSet::new(),
            next_poll: None,
            chance,
            works: 0,
        }
    }

    /// The next moment from `now` on at which it can be reached; never, if it is gone for good.
    pub(crate) fn reachable(&self, mut now: i64) -> Option<i64> {
        while let Some((_, until)) = self
            .away
            .iter()
            .find(|(from, until)| (*from..*until).contains(&now))
        {
            if *until == i64::MAX {
                return None;
            }
            now = *until;
        }
        Some(now)
    }

    pub(crate) fn vanish(&mut self, now: i64, span: i64) {
        self.away.push((now, now.saturating_add(span)));
    }

    /// It is here from now on, unless it is gone for good.
    pub(crate) fn settle_down(&mut self, now: i64) {
        self.away.retain_mut(|(from, until)| {
            if *until != i64::MAX {
                *until = (*until).min(now);
            }
            *from < *until
        });
    }

    /// Its next poll after `now`.
    pub(crate) fn poll_after(&self, now: i64) -> Option<i64> {
        let Character { period, phase, .. } = self.character;
        let on_grid = |at: i64| phase + (at - phase).div_euclid(period) * period + period;
        let next = on_grid(now);
        let there = self.reachable(next)?;
        Some(if there == next { next } else { on_grid(there) })
    }

    /// Begins with what it was offered.
    pub(crate) fn begin(&mut self, offer: Offer) {
        self.works += 1;
        let committed = false;
        let moves = match offer.kind {
            AttemptKind::Rollback => self.way_back(),
            AttemptKind::Deploy if offer.staging => self.filling(),
            AttemptKind::Deploy => self.updating(offer.target),
        };
        self.begun.insert(offer.action);
        self.work = Some(Work {
            action: offer.action,
            execution: offer.execution,
            target: offer.target,
            committed,
            number: self.works,
            moves: moves.into_iter(),
        });
    }

    /// Switches to the slot that it filled.
    pub(crate) fn switch(&mut self, offer: Offer) {
        self.slot = None;
        self.begin(offer);
    }

    fn updating(&mut self, target: &'static str) -> Vec<(i64, Move)> {
        let Character {
            takes,
            falls_silent,
            ..
        } = self.character;
        let part = (takes / 4).max(1);
        let mut moves = Vec::new();
        if self.chance.percent(50) {
            moves.push((part, Move::Say(Report::Downloading)));
        }
        if self.chance.percent(70) {
            moves.push((part, Move::Say(Report::Installing)));
        }
        let fails = self.character.fails.get(target).copied().unwrap_or(0);
        if self.chance.percent(fails) {
            if self.chance.percent(40) {
                moves.push((part, Move::Say(Report::Rebooting)));
            }
            moves.push((part, Move::Conclude(Report::Failed)));
            return moves;
        }
        let silent = self.chance.percent(falls_silent);
        if silent && self.chance.percent(30) {
            moves.push((part, Move::Vanish(self.silence())));
        }
        if self.chance.percent(60) {
            moves.push((part, Move::Say(Report::Rebooting)));
        }
        moves.push((1, Move::Install));
        if silent {
            moves.push((1, Move::Vanish(self.silence())));
        }
        moves.push((part, Move::Conclude(Report::Succeeded)));
        moves
    }

    fn silence(&mut self) -> i64 {
        match self.chance.below(10) {
            0..=2 => i64::MAX,
            3..=6 => self.chance.between(10 * MINUTE, 3 * HOUR),
            _ => self.chance.between(3 * HOUR, 2 * DAY),
        }
    }

    fn filling(&mut self) -> Vec<(i64, Move)> {
        let Character { takes, skips, .. } = self.character;
        if skips {
            return vec![(SECOND, Move::Conclude(Report::Succeeded))];
        }
        if self.chance.percent(5) {
            return vec![(takes, Move::Conclude(Report::Failed))];
        }
        vec![
            (takes / 2, Move::Say(Report::Downloading)),
            (takes / 2, Move::Fill),
            (1, Move::Conclude(Report::Downloaded)),
        ]
    }

    fn way_back(&mut self) -> Vec<(i64, Move)> {
        let Character {
            takes,
            fails_back,
            falls_silent,
            ..
        } = self.character;
        if self.chance.percent(fails_back) {
            return vec![(takes, Move::Conclude(Report::Failed))];
        }
        let mut moves = vec![
            (takes / 2, Move::Say(Report::Rebooting)),
            (1, Move::Install),
        ];
        if self.chance.percent(falls_silent / 2) {
            moves.push((1, Move::Vanish(self.silence())));
        }
        moves.push((takes / 2, Move::Conclude(Report::Succeeded)));
        moves
    }

    /// Whether it stops, when it is asked to; without an answer it goes on and says nothing.
    pub(crate) fn agrees_to_stop(&mut self, action: u32) -> bool {
        let committed = self
            .work
            .as_ref()
            .is_some_and(|work| work.action == action && work.committed);
        !committed && !self.saying.contains(&action) && !self.chance.percent(self.character.refuses)
    }

    /// Whether it leaves what it is at for something else.
    pub(crate) fn turns_to_something_else(&mut self) -> bool {
        let committed = self.work.as_ref().is_some_and(|work| work.committed);
        !committed && self.chance.percent(50)
    }

    /// It is no longer at an attempt.
    pub(crate) fn drop_work(&mut self, action: u32) {
        self.work = self.work.take().filter(|work| work.action != action);
        self.slot = self.slot.filter(|slot| *slot != action);
    }
}
