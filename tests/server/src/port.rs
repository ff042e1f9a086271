//! Addresses for programs that cannot take an open socket.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

use parking_lot::Mutex;

/// The first port. All ports are below those that the system gives to outgoing connections and to listeners
/// that ask for any, which might take one between two uses.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// The distance between the first ports of two test processes, which is more than one usually needs.
const STRIDE: u32 = 31;

static ATTEMPTS: AtomicU16 = AtomicU16::new(0);
/// The locks on the ports of this process, until it ends.
static RESERVATIONS: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Returns an address on 127.0.0.1 on which no program listens, and reserves it for this process until its
/// end.
///
/// No other process gets it from this function meanwhile. Two tests could have one address otherwise, if one
/// looked for it while the server of the other was being started, or restarted. The server that came second
/// would end at once, but its test would take the other server for it.
///
/// # Panics
///
/// Panics if no port is free.
pub fn free_address() -> SocketAddr {
    let folder = std::env::temp_dir().join("miroir-test-ports");
    let start = std::process::id().wrapping_mul(STRIDE) % u32::from(COUNT);
    let start = u16::try_from(start).unwrap_or_default();
    for _ in 0..COUNT {
        let offset =
            (u32::from(start) + u32::from(ATTEMPTS.fetch_add(1, Ordering::Relaxed))) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).unwrap_or_default();
        let reservation = match reserve(&folder, port) {
            Ok(Some(reservation)) => reservation,
            Ok(None) => continue,
            Err(error) => panic!("cannot reserve ports in {}: {error}", folder.display()),
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            RESERVATIONS.lock().push(reservation);
            return address;
        }
    }
    panic!("no port of 127.0.0.1 from {FIRST} on is free");
}

/// Locks the file of `port` in `folder`. Returns `None` if another process has it, or this one.
fn reserve(folder: &Path, port: u16) -> io::Result<Option<File>> {
    std::fs::create_dir_all(folder)?;
    let file = File::options().append(true).create(true).open(folder.join(port.to_string()))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn addresses_are_given_once_and_can_be_bound() {
        let given: HashSet<SocketAddr> = (0..20).map(|_| free_address()).collect();
        assert_eq!(given.len(), 20);
        for address in given {
            // A child that another test forks has a copy of the probing socket until it executes its program.
            while TcpListener::bind(address).is_err() {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn port_has_one_owner_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let first = reserve(folder.path(), FIRST).unwrap();
        assert!(first.is_some());
        assert!(reserve(folder.path(), FIRST).unwrap().is_none());
        drop(first);
        assert!(reserve(folder.path(), FIRST).unwrap().is_some());
    }
}
