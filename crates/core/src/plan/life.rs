//! What may become of a plan: who has agreed to which revision of it, and what follows. No clocks and
//! no storage: the moment is handed in, and whoever asks keeps what comes out.

use std::str::FromStr;

use jiff::Timestamp;

use super::PlanState;
use crate::seconds::Seconds;

/// The newest revision of a plan and what has been said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLife {
    /// Where it stands.
    pub state: PlanState,
    /// Its number, from 1.
    pub revision: u32,
    /// The ids of everyone who wrote this revision or an earlier one.
    pub authors: Vec<String>,
    /// The ids of the people who approved this revision.
    pub approvals: Vec<String>,
    /// What is asked of them.
    pub rules: Rules,
    /// When it expires, unless it is executed before.
    pub expires_at: Option<Timestamp>,
}

/// What an environment asks of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Number of people who must approve; 0 where plans need no approval.
    pub required: u32,
    /// Authors don't count.
    pub four_eyes: bool,
    /// How long a plan may wait for its execution.
    pub expires_after: Seconds,
}

/// How a revision begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Its author goes on writing.
    Draft,
    /// It is put to the approvers.
    Submitted,
    /// It waits for nobody; a review is owed.
    Emergency,
}

/// Whether somebody must still look at a plan that nobody approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Not that anybody asked for.
    None,
    /// Somebody must.
    Owed,
    /// Somebody did.
    Done,
}

/// What an approval did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It counts.
    Counts,
    /// Nothing: the plan was approved before.
    Needless,
}

/// Why a plan can't become that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifeRefusal {
    /// It is over.
    #[error("the plan was {0} before and stays as it is: make a new one")]
    Over(PlanState),
    /// Its author is not done.
    #[error("the plan is a draft: submit it first")]
    Draft,
    /// It was refused or waited too long.
    #[error("the plan is {0}: edit it, which makes a new revision that can be approved")]
    Dead(PlanState),
    /// Too few people agreed.
    #[error("the plan needs {} first", missing(*.0))]
    Unapproved(u32),
    /// Authors don't approve their own plans here.
    #[error("you wrote this plan, and nobody approves a plan of their own here: ask somebody else")]
    OwnPlan,
    /// Each person counts once.
    #[error("you approved this revision before and count once: the plan needs {} by somebody else", missing(*.0))]
    CountedBefore(u32),
}

impl Review {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::None, Self::Owed, Self::Done];

    /// Its name everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Owed => "owed",
            Self::Done => "done",
        }
    }
}

impl FromStr for Review {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|review| review.name() == text)
            .ok_or_else(|| format!("`{text}` is not a review: use none, owed or done"))
    }
}

/// Share by which the matching devices may grow after an approval, in tenths, and a few more so that
/// small fleets are not held up by single devices.
const GROWTH_TENTHS: u64 = 2;
const GROWTH_DEVICES: u64 = 10;

/// The most devices that an approval for `approved` devices covers.
#[must_use]
pub const fn covered(approved: u64) -> u64 {
    let share = approved / 10 * GROWTH_TENTHS + approved % 10 * GROWTH_TENTHS / 10;
    approved
        .saturating_add(share)
        .saturating_add(GROWTH_DEVICES)
}

impl PlanLife {
    /// The first revision of a plan.
    #[must_use]
    pub fn begin(author: &str, opening: Opening, rules: Rules, now: Timestamp) -> Self {
        let mut life = Self {
            state: PlanState::Draft,
            revision: 1,
            authors: vec![author.to_owned()],
            approvals: Vec::new(),
            rules,
            expires_at: None,
        };
        life.open(opening, now);
        life
    }

    /// Lets the plan expire if its time has come. Everything below does so first.
    pub fn expire(&mut self, now: Timestamp) {
        if self.state.waits() && self.expires_at.is_some_and(|at| at <= now) {
            self.state = PlanState::Expired;
        }
    }

    /// Puts a draft to the approvers. Changes nothing for a plan that was put to them before.
    ///
    /// # Errors
    /// It is over, rejected or expired.
    pub fn submit(&mut self, now: Timestamp) -> Result<(), LifeRefusal> {
        self.expire(now);
        match self.state {
            PlanState::Draft => self.open(Opening::Submitted, now),
            PlanState::PendingApproval | PlanState::Approved => {}
            PlanState::Rejected | PlanState::Expired => return Err(LifeRefusal::Dead(self.state)),
            PlanState::Executed | PlanState::Superseded => {
                return Err(LifeRefusal::Over(self.state));
            }
        }
        Ok(())
    }

    /// Makes the next revision, which nobody has approved.
    ///
    /// # Errors
    /// The plan is over.
    pub fn edit(
        &mut self,
        author: &str,
        opening: Opening,
        now: Timestamp,
    ) -> Result<(), LifeRefusal> {
        match self.state {
            PlanState::Draft
            | PlanState::PendingApproval
            | PlanState::Approved
            | PlanState::Rejected
            | PlanState::Expired => {}
            PlanState::Executed | PlanState::Superseded => {
                return Err(LifeRefusal::Over(self.state));
            }
        }
        self.revision += 1;
        self.approvals.clear();
        if !self.authors.iter().any(|known| known == author) {
            self.authors.push(author.to_owned());
        }
        self.open(opening, now);
        Ok(())
    }

    /// Counts an approval by the person with this id.
    ///
    /// # Errors
    /// The plan does not wait for approvals, or this person does not count.
    pub fn approve(&mut self, by: &str, now: Timestamp) -> Result<Counted, LifeRefusal> {
        self.expire(now);
        match self.state {
            PlanState::Approved => return Ok(Counted::Needless),
            PlanState::PendingApproval => {}
            PlanState::Draft => return Err(LifeRefusal::Draft),
            PlanState::Rejected | PlanState::Expired => return Err(LifeRefusal::Dead(self.state)),
            PlanState::Executed | PlanState::Superseded => {
                return Err(LifeRefusal::Over(self.state));
            }
        }
        if self.rules.four_eyes && self.authors.iter().any(|author| author == by) {
            return Err(LifeRefusal::OwnPlan);
        }
        // Where fewer approvals are asked for than before, whoever approved may say so again.
        if self.missing() > 0 && self.approvals.iter().any(|known| known == by) {
            return Err(LifeRefusal::CountedBefore(self.missing()));
        }
        self.approvals.push(by.to_owned());
        if self.missing() == 0 {
            self.state = PlanState::Approved;
        }
        Ok(Counted::Counts)
    }

    /// Refuses the plan, also after it was approved.
    ///
    /// # Errors
    /// It was not put to anybody, or is over.
    pub fn reject(&mut self, now: Timestamp) -> Result<(), LifeRefusal> {
        self.expire(now);
        match self.state {
            PlanState::PendingApproval | PlanState::Approved | PlanState::Rejected => {
                self.state = PlanState::Rejected;
                Ok(())
            }
            PlanState::Draft => Err(LifeRefusal::Draft),
            PlanState::Expired => Err(LifeRefusal::Dead(self.state)),
            PlanState::Executed | PlanState::Superseded => Err(LifeRefusal::Over(self.state)),
        }
    }

    /// Executes the plan.
    ///
    /// # Errors
    /// It is not approved.
    pub fn execute(&mut self, now: Timestamp) -> Result<(), LifeRefusal> {
        self.expire(now);
        match self.state {
            PlanState::Approved => {
                self.state = PlanState::Executed;
                Ok(())
            }
            PlanState::Draft => Err(LifeRefusal::Draft),
            PlanState::PendingApproval => Err(LifeRefusal::Unapproved(self.missing().max(1))),
            PlanState::Rejected | PlanState::Expired => Err(LifeRefusal::Dead(self.state)),
            PlanState::Executed | PlanState::Superseded => Err(LifeRefusal::Over(self.state)),
        }
    }

    /// How many more people must approve for the plan to be approved.
    #[must_use]
    pub fn missing(&self) -> u32 {
        if self.state != PlanState::PendingApproval {
            return 0;
        }
        let mut people: Vec<&String> = self.approvals.iter().collect();
        people.sort_unstable();
        people.dedup();
        let asked = self.rules.required.max(1);
        asked.saturating_sub(u32::try_from(people.len()).unwrap_or(u32::MAX))
    }

    fn open(&mut self, opening: Opening, now: Timestamp) {
        let approved = match opening {
            Opening::Draft => {
                self.state = PlanState::Draft;
                self.expires_at = None;
                return;
            }
            Opening::Submitted => self.rules.required == 0,
            Opening::Emergency => true,
        };
        self.state = if approved {
            PlanState::Approved
        } else {
            PlanState::PendingApproval
        };
        self.expires_at = Some(self.rules.expires_after.after(now));
    }
}

fn missing(approvals: u32) -> String {
    if approvals == 1 {
        "an approval".to_owned()
    } else {
        format!("{approvals} approvals")
    }
}

#[cfg(test)]
mod tests;
