//! A server in a container, or a program of this machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage};

use crate::reply::read_reply;
use crate::server::RedisServer;

/// The socket of Docker engines.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// The time in which an engine must respond.
const DOCKER_TIMEOUT: Duration = Duration::from_secs(5);
const PORT: u16 = 6379;

/// A running server, gone when dropped.
#[derive(Debug)]
pub enum AnyRedis {
    /// In a container of the image `redis:7`, which Docker pulls if necessary.
    Container {
        /// Removes the container when dropped.
        container: Box<ContainerAsync<GenericImage>>,
        /// The address at which its port is reached.
        address: SocketAddr,
    },
    /// A program of this machine.
    Process(RedisServer),
}

impl AnyRedis {
    /// Starts a server in a container if a Docker engine responds, else the `redis-server` of this machine.
    ///
    /// # Panics
    ///
    /// Panics if neither can be started.
    pub async fn start() -> Self {
        if !docker_responds() {
            return Self::Process(RedisServer::start());
        }
        let image = GenericImage::new("redis", "7")
            .with_exposed_port(PORT.tcp())
            .with_wait_for(WaitFor::message_on_stdout("Ready to accept connections"));
        let container = image.start().await.unwrap_or_else(|error| {
            panic!(
                "Docker responds, but cannot run the image redis:7 ({error}): pull it, or stop the engine to use \
                 redis-server"
            )
        });
        let port = container.get_host_port_ipv4(PORT).await.expect("the port of the container");
        Self::Container { container: Box::new(container), address: (Ipv4Addr::LOCALHOST, port).into() }
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Container { address, .. } => *address,
            Self::Process(server) => server.address(),
        }
    }

    /// Returns the URL of its first database.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address())
    }

    /// Sends one command and returns the raw reply, or the text of a bulk string.
    ///
    /// # Panics
    ///
    /// Panics if the server does not respond.
    pub fn say(&self, words: &[&str]) -> String {
        read_reply(self.address(), words).expect("a reply of the server")
    }
}

/// Returns whether an engine responds to a ping.
fn docker_responds() -> bool {
    let ping = || {
        let mut engine = UnixStream::connect(DOCKER_SOCKET)?;
        engine.set_read_timeout(Some(DOCKER_TIMEOUT))?;
        engine.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut reply = String::new();
        engine.read_to_string(&mut reply)?;
        std::io::Result::Ok(reply)
    };
    ping().is_ok_and(|reply| reply.contains(" 200 "))
}
