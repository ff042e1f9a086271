//! A server for tests that do not care what it runs in.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage};

use crate::{RedisServer, answer};

/// Where Docker engines listen.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// How long an engine may take to say that it is there.
const DOCKER_PATIENCE: Duration = Duration::from_secs(5);
const PORT: u16 = 6379;

/// A running server, gone when dropped.
#[derive(Debug)]
pub enum AnyRedis {
    /// In a container of the image `redis:7`, which Docker pulls where it has none.
    Container {
        /// Removes the container when dropped.
        container: Box<ContainerAsync<GenericImage>>,
        /// Where its port is reached.
        address: SocketAddr,
    },
    /// A program of this machine.
    Process(RedisServer),
}

impl AnyRedis {
    /// A server in a container where a Docker engine answers, else the `redis-server` of this machine.
    ///
    /// # Panics
    ///
    /// When neither can be started.
    pub async fn start() -> Self {
        if !docker_answers() {
            return Self::Process(RedisServer::start());
        }
        let image = GenericImage::new("redis", "7")
            .with_exposed_port(PORT.tcp())
            .with_wait_for(WaitFor::message_on_stdout("Ready to accept connections"));
        let container = image.start().await.unwrap_or_else(|error| {
            panic!("Docker answers, but cannot run the image redis:7 ({error}): pull it, or stop the engine to use redis-server")
        });
        let port = container.get_host_port_ipv4(PORT).await.expect("the port of the container");
        Self::Container { container: Box::new(container), address: (Ipv4Addr::LOCALHOST, port).into() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Container { address, .. } => *address,
            Self::Process(server) => server.address(),
        }
    }

    /// The URL of its first database.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address())
    }

    /// Sends one command and answers the raw reply; of a bulk string the text.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub fn say(&self, words: &[&str]) -> String {
        answer(self.address(), words).expect("the server answers")
    }
}

/// Whether an engine says that it is there.
fn docker_answers() -> bool {
    let ask = || {
        let mut engine = UnixStream::connect(DOCKER_SOCKET)?;
        engine.set_read_timeout(Some(DOCKER_PATIENCE))?;
        engine.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut reply = String::new();
        engine.read_to_string(&mut reply)?;
        std::io::Result::Ok(reply)
    };
    ask().is_ok_and(|reply| reply.contains(" 200 "))
}
