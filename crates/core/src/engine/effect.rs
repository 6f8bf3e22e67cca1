//! What the engine asks to be done. Effects name sets of devices; the store expands them. Each is safe
//! to repeat.

use crate::Timestamp;
use crate::ids::WaveIndex;

/// One thing to do, to a whole set of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Choose the devices and cut them into waves; answer with [`Input::Chosen`](super::Input::Chosen).
    Choose,
    /// Offer the update to pending devices of a set. Whose wait for a retry is over waits no longer for
    /// it, whether it gets an offer or not.
    Offer {
        /// Which set.
        to: Recipients,
        /// To so many of them at most, in their order.
        at_most: u64,
        /// Only to devices of these time zones; of any when absent.
        zones: Option<Vec<String>>,
    },
    /// Let so many staged devices of the wave and of those before it switch at most.
    Switch {
        /// The last of the waves.
        wave: WaveIndex,
        /// How many.
        at_most: u64,
        /// Only devices of these time zones; of any when absent.
        zones: Option<Vec<String>>,
    },
    /// Give up devices whose deadline has passed.
    Expire {
        /// What becomes of those that never came.
        unfetched: UnfetchedFate,
    },
    /// Take the offer back from every device that has not come to fetch it, and offer it to none that
    /// waits.
    Withdraw,
    /// The same for devices that came late or joined.
    WithdrawStragglers,
    /// Ask the devices under way to stop; each has a deadline from then on.
    StopInFlight,
    /// Tell devices that took the update, or may have, to go back to the version they had.
    Recall {
        /// How many at most.
        at_most: u64,
        /// By when.
        deadline: Timestamp,
    },
}

/// Who is offered the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// The devices of this wave and of those before it.
    Waves {
        /// The last of the waves that are open.
        through: WaveIndex,
        /// Only devices that can fill a slot without switching to it, and to do no more than that.
        staging: bool,
    },
    /// Devices that came late, and those that joined where that is wished.
    Stragglers {
        /// Also those that joined.
        joined: bool,
    },
}

/// What becomes of devices that were offered the update and never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfetchedFate {
    /// They keep their place; the wave waits.
    KeepWaiting,
    /// They are left out.
    Skip,
    /// The wave goes on without them; they get an offer when they come.
    Late,
}
