//! A server program of this machine: on the loopback interface, on a free port, in a folder of its own, gone when
//! dropped.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long to wait before a server that was started is asked again.
const PAUSE: Duration = Duration::from_millis(5);
/// How often it is asked, for about half a minute in all.
const QUESTIONS: u32 = 6_000;
/// How often a port that another program took first is replaced by another.
const PORT_ATTEMPTS: u32 = 5;

/// How a server of a kind is started.
pub trait Program: Debug {
    /// The name of the program, which is that of its Debian package too.
    const NAME: &'static str;

    /// The command that starts it on `port` of the loopback interface and keeps what it keeps in `folder`.
    fn command(&self, folder: &Path, port: u16) -> Command;

    /// Whether one at `address` is ready.
    fn is_ready(address: SocketAddr) -> bool;
}

/// A running server. What it keeps in its folder survives [`Server::kill`].
#[derive(Debug)]
pub struct Server<P: Program> {
    program: P,
    process: Option<Child>,
    folder: TempDir,
    port: u16,
}

#[expect(clippy::missing_panics_doc, reason = "a test that cannot have its server has failed")]
impl<P: Program> Server<P> {
    /// Starts it.
    pub fn start(program: P) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let mut server = Self { program, process: None, folder, port: 0 };
        for _ in 0..PORT_ATTEMPTS {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("{} did not start on any of {PORT_ATTEMPTS} ports", P::NAME);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The id of its process.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Kills it as a power cut would: `SIGKILL`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself: then there is nothing to kill, but still something to wait for.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again on the same port and folder after [`Server::kill`].
    pub fn launch_again(&mut self) {
        assert!(self.process.is_none(), "it is running");
        // The port may not be free at once.
        let launched = (0..QUESTIONS).any(|_| self.launch());
        assert!(launched, "{} did not start again on port {}", P::NAME, self.port);
    }

    /// Whether it came up.
    fn launch(&mut self) -> bool {
        let mut command = self.program.command(self.folder.path(), self.port);
        let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = spawned.unwrap_or_else(|error| {
            panic!(
                "`{0}` cannot be started ({error}): install it, on Debian with `apt-get install {0}`",
                P::NAME
            )
        });
        let process = self.process.insert(process);
        let address = (Ipv4Addr::LOCALHOST, self.port).into();
        for _ in 0..QUESTIONS {
            if process.try_wait().expect("the state of the process").is_some() {
                self.process = None;
                return false;
            }
            if P::is_ready(address) {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }
}

impl<P: Program> Drop for Server<P> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on.
#[expect(clippy::missing_panics_doc, reason = "a test that cannot have a port has failed")]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
