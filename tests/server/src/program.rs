//! A server program of this machine: on a free address of the loopback interface, in a folder of its own,
//! gone when dropped.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::port::free_address;

/// The pause between two checks of a server that was started.
const PAUSE: Duration = Duration::from_millis(5);
/// The number of checks, which take about half a minute in all.
const CHECKS: u32 = 6_000;
/// The number of addresses to try, as another program may take one first.
const ATTEMPTS: u32 = 5;

/// The command line and configuration of a server.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The options of its command line, each a word.
    pub options: Vec<String>,
    /// The content of its configuration file, if it has one.
    pub configuration: Option<String>,
}

impl Setup {
    /// Creates a setup with these options and this configuration.
    pub fn new(options: &[&str], configuration: Option<&str>) -> Self {
        let options = options.iter().map(|&word| word.to_owned()).collect();
        Self { options, configuration: configuration.map(str::to_owned) }
    }

    /// Writes the configuration into the file `name` of `folder` and returns its path, if there is a
    /// configuration.
    #[expect(clippy::missing_panics_doc, reason = "a test that cannot have its server has failed")]
    pub fn write_configuration(&self, folder: &Path, name: &str) -> Option<PathBuf> {
        let configuration = self.configuration.as_ref()?;
        let file = folder.join(name);
        std::fs::write(&file, configuration).expect("the configuration of the server");
        Some(file)
    }
}

/// A kind of server program.
pub trait Program: Debug {
    /// The name of the program, which is that of its Debian package too.
    const NAME: &'static str;

    /// Returns the command that starts it on `port` of the loopback interface, with its data in `folder`.
    fn command(setup: &Setup, folder: &Path, port: u16) -> Command;

    /// Returns whether the server at `address` is ready.
    fn is_ready(address: SocketAddr) -> bool;
}

/// A running server. The data in its folder survives [`Server::kill`].
#[derive(Debug)]
pub struct Server<P: Program> {
    setup: Setup,
    process: Option<Child>,
    folder: TempDir,
    address: SocketAddr,
    program: PhantomData<P>,
}

#[expect(clippy::missing_panics_doc, reason = "a test that cannot have its server has failed")]
impl<P: Program> Server<P> {
    /// Starts a server on a free address.
    pub fn start(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let address = free_address();
        let mut server = Self { setup, process: None, folder, address, program: PhantomData };
        for _ in 0..ATTEMPTS {
            if server.launch() {
                return server;
            }
            server.address = free_address();
        }
        panic!("{} did not start on any of {ATTEMPTS} addresses", P::NAME);
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the id of its process. Returns `None` after [`Server::kill`].
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Kills it as a power cut would: `SIGKILL`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The process may have ended by itself: killing it fails then, but it must still be waited for.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again on the same address and folder after [`Server::kill`].
    pub fn launch_again(&mut self) {
        assert!(self.process.is_none(), "it is running");
        // The address may not be free at once.
        let launched = (0..CHECKS).any(|_| self.launch());
        assert!(launched, "{} did not start again on {}", P::NAME, self.address);
    }

    /// Starts the process and waits until the server is ready. Returns false if the process ends before.
    fn launch(&mut self) -> bool {
        let mut command = P::command(&self.setup, self.folder.path(), self.address.port());
        let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = spawned.unwrap_or_else(|error| {
            panic!(
                "`{0}` cannot be started ({error}): install it, on Debian with `apt-get install {0}`",
                P::NAME
            )
        });
        let process = self.process.insert(process);
        for _ in 0..CHECKS {
            if process.try_wait().expect("the state of the process").is_some() {
                self.process = None;
                return false;
            }
            if P::is_ready(self.address) {
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
