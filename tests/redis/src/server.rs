//! A `redis-server` of this machine.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;

use miroir_test_server::{Program, Server, Setup};

use crate::reply::read_reply;

/// A running server.
#[derive(Debug)]
pub struct RedisServer(Server<Redis>);

/// The program `redis-server`.
#[derive(Debug)]
pub struct Redis;

#[expect(clippy::missing_panics_doc, reason = "a test that cannot have its server has failed")]
impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    pub fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts a server that has each write on disk before it is acknowledged.
    pub fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a Sentinel that watches `master` under the name `main`, alone, and replaces it three seconds
    /// after its last response.
    ///
    /// Not sooner: on a busy machine a healthy master may take a second to respond, and would be replaced for
    /// that.
    pub fn sentinel(master: &Self) -> Self {
        let configuration = format!(
            "sentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 3000\n\
             sentinel failover-timeout main 6000\n",
            master.address().port()
        );
        Self(Server::start(Setup::new(&["--sentinel"], Some(&configuration))))
    }

    /// Starts a server with these options on its command line.
    pub fn with(options: &[&str]) -> Self {
        Self(Server::start(Setup::new(options, None)))
    }

    /// Returns the URL of its first database.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address())
    }

    /// Sends one command, a word each, and returns the raw reply, or the text of a bulk string.
    pub fn say(&self, words: &[&str]) -> String {
        read_reply(self.address(), words).expect("a reply of the server")
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

    fn command(setup: &Setup, folder: &Path, port: u16) -> Command {
        let mut command = Command::new(Self::NAME);
        if let Some(file) = setup.write_configuration(folder, "redis.conf") {
            command.arg(file);
        }
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(folder).args(&setup.options);
        command
    }

    fn is_ready(address: SocketAddr) -> bool {
        // While it reads its files it responds with `LOADING`.
        read_reply(address, &["PING"]).is_ok_and(|reply| !reply.starts_with("-LOADING"))
    }
}
