//! What the engine asks to be done. Effects name sets of devices; the store expands them. Each is safe
//! to repeat.

use crate::ids::WaveIndex;

/// One thing to do, to a whole set of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Offer the update to the wave's pending devices.
    Release {
        /// Which wave.
        wave: WaveIndex,
    },
    /// Offer it to those that can fill a slot without switching to it; leave the others pending.
    Stage {
        /// Which wave.
        wave: WaveIndex,
    },
    /// Let the wave's staged devices switch, and offer the update to those that were held back.
    Switch {
        /// Which wave.
        wave: WaveIndex,
    },
    /// Give up devices whose deadline has passed.
    Expire {
        /// What becomes of those that never came.
        unfetched: UnfetchedFate,
    },
    /// Take the offer back from every device that has not come to fetch it.
    Withdraw,
    /// Ask the devices under way to stop.
    StopInFlight,
    /// Tell every device that took the update, or may have, to go back to the version it had.
    Recall,
}

/// What becomes of devices that were offered the update and never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfetchedFate {
    /// They keep their place; the wave waits.
    KeepWaiting,
    /// They are left out.
    Skip,
    /// The wave goes on without them; the offer stands.
    Late,
}
