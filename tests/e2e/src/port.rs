//! Ports for processes that cannot take an open socket.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

/// First port. All ports are below those of outgoing connections, which might take one between two uses.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// Distance between the first ports of two test processes, which is more than one usually needs.
const STRIDE: u32 = 31;

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// Returns an unused address on 127.0.0.1, each at most once in this process.
pub fn free_port() -> Result<SocketAddr> {
    let start = std::process::id().wrapping_mul(STRIDE);
    (0..COUNT)
        .find_map(|_| {
            let offset = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let port = u16::try_from(FIRST + offset).ok()?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            TcpListener::bind(address).ok().map(|_| address)
        })
        .context("no free port on 127.0.0.1")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokio::time::Instant;

    use super::*;
    use crate::wait::TIMEOUT;

    #[test]
    fn ports_are_given_once_and_can_be_bound() {
        let given: HashSet<SocketAddr> = (0..20).map(|_| free_port().unwrap()).collect();
        assert_eq!(given.len(), 20);
        // A child that another test forks holds a copy of the probing socket until it executes its program.
        let deadline = Instant::now() + TIMEOUT;
        for address in given {
            while TcpListener::bind(address).is_err() {
                assert!(Instant::now() < deadline, "{address} stays in use");
                std::thread::yield_now();
            }
        }
    }
}
