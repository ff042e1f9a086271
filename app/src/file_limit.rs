//! How many files, and so connections, this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Of what the system allows, the share that is not for clients: a quarter, for nodes, the store, sinks and logs.
const RESERVED_SHARE: u64 = 4;

/// How many of the `wanted` connections of clients there may be at once. Raises the limit of open files as far as the
/// system lets this process: the usual soft limit is for programs that look at files one by one.
pub fn connections(wanted: u32) -> usize {
    let limit = raised();
    let allowed = room(limit, wanted);
    if allowed < wanted {
        tracing::warn!(
            wanted,
            allowed,
            open_files = limit,
            "`server.max_connections` is more than the limit of open files leaves room for: raise the hard limit (ulimit -Hn)"
        );
    }
    // A `u32` fits a `usize` wherever this runs.
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// The limit of open files, after raising it; none where there is no limit.
fn raised() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = limit.current;
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            return before;
        }
    }
    limit.current
}

fn room(limit: Option<u64>, wanted: u32) -> u32 {
    let Some(limit) = limit else { return wanted };
    let room = limit - limit / RESERVED_SHARE;
    u32::try_from(room).unwrap_or(u32::MAX).clamp(1, wanted.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_files_is_left_to_others() {
        for (limit, wanted, room_there) in [
            (None, 8192, 8192),
            (Some(1024), 8192, 768),
            (Some(20_000), 8192, 8192),
            (Some(0), 8192, 1),
            (Some(u64::MAX), u32::MAX, u32::MAX),
        ] {
            assert_eq!(room(limit, wanted), room_there, "{limit:?}");
        }
    }

    #[test]
    fn the_limit_is_as_high_as_this_process_may_have_it() {
        assert_eq!(connections(1), 1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
