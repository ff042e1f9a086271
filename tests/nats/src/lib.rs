//! A real `nats-server` with `JetStream` for tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub use miroir_test_server::free_port;
use miroir_test_server::{Program, Server};

/// Where Debian's package puts the program, which is not on the path of every user.
const OUTSIDE_THE_PATH: [&str; 2] = ["/usr/sbin/nats-server", "/usr/local/sbin/nats-server"];

/// A running server. What its streams hold is kept in its folder, so that it survives [`Server::kill`].
#[derive(Debug)]
pub struct NatsServer(Server<Nats>);

/// How it is started.
#[derive(Debug)]
pub struct Nats {
    /// Options of its command line, each a word.
    options: Vec<String>,
    /// What stands in its configuration file, where it has one.
    configuration: Option<String>,
}

impl NatsServer {
    /// A server that asks nobody who they are.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these options on its command line, for instance `--auth` and a token.
    pub fn with(options: &[&str]) -> Self {
        Self::start_with(options, None)
    }

    /// A server with this configuration, for what has no option.
    pub fn configured(configuration: &str) -> Self {
        Self::start_with(&[], Some(configuration))
    }

    fn start_with(options: &[&str], configuration: Option<&str>) -> Self {
        let options = options.iter().map(|&word| word.to_owned()).collect();
        Self(Server::start(Nats { options, configuration: configuration.map(str::to_owned) }))
    }

    /// Its URL, without credentials.
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

    fn command(&self, folder: &Path, port: u16) -> Command {
        let mut command = Command::new(program());
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string()]).arg("-sd").arg(folder);
        if let Some(configuration) = &self.configuration {
            let file = folder.join("nats.conf");
            std::fs::write(&file, configuration).expect("the configuration of the server");
            command.arg("-c").arg(file);
        }
        command.args(&self.options);
        command
    }

    fn is_ready(address: SocketAddr) -> bool {
        greets(address)
    }
}

/// The program: as the path finds it, or where Debian's package put it.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_the_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server"));
    let candidates = on_the_path.chain(OUTSIDE_THE_PATH.map(PathBuf::from));
    // The bare name, when it is nowhere, gives the error that names it.
    candidates.into_iter().find(|file| file.is_file()).unwrap_or_else(|| PathBuf::from("nats-server"))
}

/// Whether a server greets there and says that its `JetStream` is on.
fn greets(address: SocketAddr) -> bool {
    let greeting = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line)?;
        // Said so that the server does not log a client that left without a word.
        stream.write_all(b"PING\r\n")?;
        Ok(line)
    };
    greeting().is_ok_and(|line| line.starts_with("INFO ") && line.contains("\"jetstream\":true"))
}
