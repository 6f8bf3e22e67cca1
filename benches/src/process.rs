//! What a process costs: its processor time and its memory, from `/proc`. Linux only.

use std::time::Duration;

use anyhow::Context as _;

/// Ticks a second in `/proc/PID/stat`; the same on every Linux that programs see.
const TICKS: u64 = 100;

/// What a process used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Bytes in memory now.
    pub(crate) resident: u64,
    /// The most there ever were.
    pub(crate) peak: u64,
}

/// Processor time of a process with all its threads, in user mode and in the kernel.
///
/// # Errors
/// There is no such process.
pub(crate) fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
    let ticks = ticks(&stat).with_context(|| format!("can't make sense of {path}"))?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Memory of a process.
///
/// # Errors
/// There is no such process.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
    let bytes = |name| {
        kibibytes(&status, name)
            .map(|kib| kib * 1024)
            .with_context(|| format!("{path} has no {name}"))
    };
    Ok(Memory {
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
    })
}

/// User and kernel time: fields 14 and 15. The second field is a name that may hold anything, so fields are
/// counted behind its last bracket.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let kernel: u64 = times.next()?.parse().ok()?;
    Some(user + kernel)
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0";
        assert_eq!(ticks(stat), Some(150));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn sizes_are_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t   99 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(12));
        assert_eq!(kibibytes(status, "VmSwap"), None);
    }
}
