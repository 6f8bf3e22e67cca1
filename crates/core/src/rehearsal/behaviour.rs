//! How one imagined device behaves.

use crate::device::Report;
use crate::seconds::Seconds;

/// How a device behaves once it is offered something.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// How long until it comes to fetch; never when absent.
    pub comes_after: Option<Seconds>,
    /// How long it takes from fetching to its result.
    pub takes: Seconds,
    /// Its result for the new version; silence when absent.
    pub result: Option<Report>,
    /// It starts into the new version before it says its result.
    pub restarts: bool,
    /// So many attempts fail before that result.
    pub fails_first: u8,
    /// Its result for going back; silence when absent.
    pub back: Option<Report>,
    /// It can fill a slot without switching to it.
    pub can_stage: bool,
    /// It will not stop once it has begun.
    pub refuses_to_stop: bool,
    /// Every report of it comes twice.
    pub reports_twice: bool,
    /// Its place, of which only a share may be under way at once.
    pub domain: Option<u32>,
    /// Its time zone, as a position in the world's list.
    pub zone: u16,
}

impl Behaviour {
    /// A device that comes after 10 seconds, takes a minute and succeeds.
    pub const GOOD: Self = Self {
        comes_after: Some(Seconds(10)),
        takes: Seconds(60),
        result: Some(Report::Succeeded),
        restarts: false,
        fails_first: 0,
        back: Some(Report::Succeeded),
        can_stage: true,
        refuses_to_stop: false,
        reports_twice: false,
        domain: None,
        zone: 0,
    };
}

/// A report to expect of a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// How long from now.
    pub(super) after: Seconds,
    /// The attempt that it names.
    pub(super) attempt: u16,
    /// What it says.
    pub(super) report: Report,
}

/// What to expect of a device that was told something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Courses {
    pub(super) list: [Option<Course>; 3],
    /// All of it comes twice.
    pub(super) twice: bool,
}

impl Courses {
    pub(super) fn each(&self, mut expect: impl FnMut(Course)) {
        for _ in 0..=u8::from(self.twice) {
            self.list
                .iter()
                .flatten()
                .for_each(|course| expect(*course));
        }
    }
}
