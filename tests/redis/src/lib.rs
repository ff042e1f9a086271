//! A real `redis-server` for tests: on the loopback interface, on a free port, in a folder of its own, gone when dropped.

mod any;

pub use any::AnyRedis;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long to wait before a server that was started is asked again.
const PAUSE: Duration = Duration::from_millis(5);
/// How often it is asked, for about half a minute in all.
const QUESTIONS: u32 = 6_000;
/// How often a port that another program took first is replaced by another.
const PORT_ATTEMPTS: u32 = 5;

/// A running server.
#[derive(Debug)]
pub struct RedisServer {
    process: Option<Child>,
    folder: TempDir,
    port: u16,
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
            master.port
        );
        Self::start_with(&["--sentinel"], Some(&configuration))
    }

    /// A server with these options on its command line.
    pub fn with(options: &[&str]) -> Self {
        Self::start_with(options, None)
    }

    fn start_with(options: &[&str], configuration: Option<&str>) -> Self {
        for _ in 0..PORT_ATTEMPTS {
            let mut server = Self {
                process: None,
                folder: tempfile::tempdir().expect("a folder for the server"),
                port: free_port(),
                options: options.iter().map(|&word| word.to_owned()).collect(),
                configuration: configuration.map(str::to_owned),
            };
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server did not start on any of {PORT_ATTEMPTS} ports");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The URL of its first database.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address())
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

    /// Starts it again on the same port and folder after [`RedisServer::kill`].
    pub fn launch_again(&mut self) {
        assert!(self.process.is_none(), "it is running");
        // The port may not be free at once.
        let launched = (0..QUESTIONS).any(|_| self.launch());
        assert!(launched, "redis-server did not start again on port {}", self.port);
    }

    /// Sends one command, written as in `redis-cli` without quotes, and answers the raw reply.
    pub fn say(&self, words: &[&str]) -> String {
        answer(self.address(), words).expect("the server answers")
    }

    /// Whether it came up.
    fn launch(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        if let Some(configuration) = &self.configuration {
            let file = self.folder.path().join("redis.conf");
            std::fs::write(&file, configuration).expect("the configuration of the server");
            command.arg(file);
        }
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.folder.path());
        command.args(&self.options).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("`redis-server` cannot be started ({error}): install it, on Debian with `apt-get install redis-server`")
        });
        let process = self.process.insert(process);
        for _ in 0..QUESTIONS {
            if process.try_wait().expect("the state of the process").is_some() {
                self.process = None;
                return false;
            }
            // While it reads its files it answers `LOADING`.
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            if answer(address, &["PING"]).is_ok_and(|reply| !reply.starts_with("-LOADING")) {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }
}

impl Drop for RedisServer {
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
