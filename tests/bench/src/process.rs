//! Figures of a process, from the system.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Returns a figure of `/proc/<pid>/status`, such as `VmRSS`, in bytes.
pub fn memory(pid: u32, key: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    field(&status, key).with_context(|| format!("{path} has no {key}"))
}

fn field(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Returns the CPU time used by this thread.
pub fn cpu_time() -> Duration {
    // The clock of the own thread can always be read.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_is_found_by_its_whole_name() {
        let status = "VmRSSX:\t 9 kB\nVmHWM:\t  20 kB\nVmRSS:\t  12 kB\nThreads:\t3\n";
        assert_eq!(field(status, "VmRSS"), Some(12 * 1024));
        assert_eq!(field(status, "Threads"), None);
        assert_eq!(field(status, "VmSwap"), None);
    }

    #[test]
    fn memory_of_this_process_is_more_than_nothing() {
        assert!(memory(std::process::id(), "VmRSS").unwrap() > 0);
        assert!(memory(0, "VmRSS").is_err());
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let before = cpu_time();
        while cpu_time() == before {
            std::hint::spin_loop();
        }
        assert!(cpu_time() > before);
    }
}
