//! Metrics of the process, from the kernel, under the names that client libraries of Prometheus share.

use std::fs;

use miroir_domain::Timestamp;
use prometheus::Result;
use rustix::time::{ClockId, clock_gettime};

use crate::page::{Page, number};

/// Adds the metrics of this process. A metric that `/proc` does not have is left out.
pub(super) fn describe(page: &Page, started_at: Timestamp) -> Result<()> {
    let millis = u64::try_from(started_at.as_millis()).unwrap_or_default();
    page.gauge(
        "process_start_time_seconds",
        "Start of Miroir, in seconds since 1970.",
        number(millis) / 1e3,
    )?;
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(cpu.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(cpu.tv_nsec).unwrap_or_default();
    let spent = number(seconds) + number(nanoseconds) / 1e9;
    page.counter("process_cpu_seconds_total", "Processor time used by Miroir.", spent)?;
    if let Some(kibibytes) = line_of("/proc/self/status", "VmRSS:").and_then(|line| first_number(&line)) {
        let bytes = number(kibibytes) * 1024.0;
        page.gauge("process_resident_memory_bytes", "Resident memory of Miroir.", bytes)?;
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open files and connections.", number(open.count() as u64))?;
    }
    if let Some(most) = line_of("/proc/self/limits", "Max open files").and_then(|line| first_number(&line)) {
        page.gauge("process_max_fds", "Limit of open files and connections.", number(most))?;
    }
    Ok(())
}

/// Returns the rest of the line of `file` that begins with `beginning`.
fn line_of(file: &str, beginning: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned)
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_this_process() {
        let page = Page::new();
        describe(&page, Timestamp::from_millis(1_500)).unwrap();
        let value = |name: &str| {
            let families = page.families();
            let family = families.iter().find(|family| family.name() == name).unwrap();
            let metric = &family.get_metric()[0];
            metric.get_gauge().get_value().max(metric.get_counter().get_value())
        };
        assert!((value("process_start_time_seconds") - 1.5).abs() < 1e-9);
        assert!(value("process_cpu_seconds_total") > 0.0);
        assert!(value("process_resident_memory_bytes") > 1e5);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
    }
}
