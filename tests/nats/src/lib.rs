//! A real `nats-server` with `JetStream` for tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub use miroir_test_server::free_address;
use miroir_test_server::{Program, Server, Setup};

/// The paths of the program in Debian's package, which are not on the `PATH` of every user.
const OUTSIDE_THE_PATH: [&str; 2] = ["/usr/sbin/nats-server", "/usr/local/sbin/nats-server"];

/// A running server. Its streams are kept in its folder, so that they survive [`Server::kill`].
#[derive(Debug)]
pub struct NatsServer(Server<Nats>);

/// The program `nats-server`.
#[derive(Debug)]
pub struct Nats;

impl NatsServer {
    /// Starts a server that requires no credentials.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with these options on its command line, for instance `--auth` and a token.
    pub fn with(options: &[&str]) -> Self {
        Self(Server::start(Setup::new(options, None)))
    }

    /// Starts a server with this configuration, for settings that have no option.
    pub fn configured(configuration: &str) -> Self {
        Self(Server::start(Setup::new(&[], Some(configuration))))
    }

    /// Returns its URL, without credentials.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }
}

impl Deref for NatsServer {
    type Target = Server<Nats>;

    fn deref(&self) -> &Server<Nats> {
        &self.0
    }
}

impl DerefMut for NatsServer {
    fn deref_mut(&mut self) -> &mut Server<Nats> {
        &mut self.0
    }
}

impl Program for Nats {
    const NAME: &'static str = "nats-server";

    fn command(setup: &Setup, folder: &Path, port: u16) -> Command {
        let mut command = Command::new(program());
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string()]).arg("-sd").arg(folder);
        if let Some(file) = setup.write_configuration(folder, "nats.conf") {
            command.arg("-c").arg(file);
        }
        command.args(&setup.options);
        command
    }

    fn is_ready(address: SocketAddr) -> bool {
        greets(address)
    }
}

/// Returns the path of the program, from `PATH` or from Debian's package.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_the_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server"));
    let candidates = on_the_path.chain(OUTSIDE_THE_PATH.map(PathBuf::from));
    // If the program is missing, the bare name leads to an error that names it.
    candidates.into_iter().find(|file| file.is_file()).unwrap_or_else(|| PathBuf::from("nats-server"))
}

/// Returns whether a server at `address` greets and has its `JetStream` on.
fn greets(address: SocketAddr) -> bool {
    let greeting = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line)?;
        // Without it the server logs a client that left silently.
        stream.write_all(b"PING\r\n")?;
        Ok(line)
    };
    greeting().is_ok_and(|line| line.starts_with("INFO ") && line.contains("\"jetstream\":true"))
}
