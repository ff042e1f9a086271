//! A real `redis-server` for tests.

mod any;

pub use any::AnyRedis;
pub use miroir_test_server::free_port;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use miroir_test_server::{Program, Server};

/// A running server.
#[derive(Debug)]
pub struct RedisServer(Server<Redis>);

/// How it is started.
#[derive(Debug)]
pub struct Redis {
    /// Options of its command line, each a word.
    options: Vec<String>,
    /// Its configuration file, where it has one.
    configuration: Option<String>,
}

#[expect(clippy::missing_panics_doc, reason = "a test that cannot have its server has failed")]
impl RedisServer {
    /// A server that keeps nothing on disk.
    pub fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// A server that has each write on disk before it is acknowledged.
    pub fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// A Sentinel that watches `master` under the name `main`, alone, and replaces it three seconds after it went away.
    ///
    /// Not sooner: on a busy machine a healthy master may take a second to answer, and would be replaced for it.
    pub fn sentinel(master: &Self) -> Self {
        let configuration = format!(
            "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 3000\nsentinel failover-timeout main 6000\n",
            master.address().port()
        );
        Self::start_with(&["--sentinel"], Some(&configuration))
    }

    /// A server with these options on its command line.
    pub fn with(options: &[&str]) -> Self {
        Self::start_with(options, None)
    }

    fn start_with(options: &[&str], configuration: Option<&str>) -> Self {
        let options = options.iter().map(|&word| word.to_owned()).collect();
        Self(Server::start(Redis { options, configuration: configuration.map(str::to_owned) }))
    }

    /// The URL of its first database.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address())
    }

    /// Sends one command, written as in `redis-cli` without quotes, and answers the raw reply.
    pub fn say(&self, words: &[&str]) -> String {
        answer(self.address(), words).expect("the server answers")
    }
}

impl Deref for RedisServer {
    type Target = Server<Redis>;

    fn deref(&self) -> &Server<Redis> {
        &self.0
    }
}

impl DerefMut for RedisServer {
    fn deref_mut(&mut self) -> &mut Server<Redis> {
        &mut self.0
    }
}

impl Program for Redis {
    const NAME: &'static str = "redis-server";

    fn command(&self, folder: &Path, port: u16) -> Command {
        let mut command = Command::new(Self::NAME);
        if let Some(configuration) = &self.configuration {
            let file = folder.join("redis.conf");
            std::fs::write(&file, configuration).expect("the configuration of the server");
            command.arg(file);
        }
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(folder).args(&self.options);
        command
    }

    fn is_ready(address: SocketAddr) -> bool {
        // While it reads its files it answers `LOADING`.
        answer(address, &["PING"]).is_ok_and(|reply| !reply.starts_with("-LOADING"))
    }
}

/// The reply to one command: its lines as they come, and of a bulk string the text.
fn answer(address: SocketAddr, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "*{}\r\n", words.len())?;
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len())?;
    }
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(length) = line.strip_prefix('$').and_then(|length| length.trim_end().parse::<usize>().ok())
    else {
        return Ok(line);
    };
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
