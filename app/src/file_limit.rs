//! The limit of open files, which also limits connections.

use rustix::process::{Resource, getrlimit, setrlimit};

/// The share of the limit that is reserved for nodes, the store, sinks and logs: a quarter.
const RESERVED_SHARE: u64 = 4;

/// Returns the number of client connections that can be open at once, at most `wanted`. Raises the limit of
/// open files to the hard limit first, because the usual soft limit suits programs that open few files.
pub fn connections(wanted: u32) -> usize {
    let limit = raised();
    let allowed = within(limit, wanted);
    if allowed < wanted {
        tracing::warn!(
            wanted,
            allowed,
            open_files = limit,
            "`server.max_connections` exceeds the limit of open files: raise the hard limit (ulimit -Hn)"
        );
    }
    // A `u32` fits a `usize` wherever this runs.
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// Raises the limit of open files and returns it. Returns `None` if there is no limit.
fn raised() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = limit.current;
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "cannot raise the limit of open files");
            return before;
        }
    }
    limit.current
}

/// Returns the number of connections that `limit` allows, at most `wanted`.
fn within(limit: Option<u64>, wanted: u32) -> u32 {
    let Some(limit) = limit else { return wanted };
    let available = limit - limit / RESERVED_SHARE;
    u32::try_from(available).unwrap_or(u32::MAX).clamp(1, wanted.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_reserves_a_share_of_the_files() {
        for (limit, wanted, expected) in [
            (None, 8192, 8192),
            (Some(1024), 8192, 768),
            (Some(20_000), 8192, 8192),
            (Some(0), 8192, 1),
            (Some(u64::MAX), u32::MAX, u32::MAX),
        ] {
            assert_eq!(within(limit, wanted), expected, "{limit:?}");
        }
    }

    #[test]
    fn connections_raises_the_limit_to_the_hard_limit() {
        assert_eq!(connections(1), 1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
