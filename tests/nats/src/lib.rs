//! A real `nats-server` with `JetStream` for tests: on the loopback interface, on a free port, in a folder of its own,
//! gone when dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long to wait before a server that was started is asked again.
const PAUSE: Duration = Duration::from_millis(5);
/// How often it is asked, for about half a minute in all.
const QUESTIONS: u32 = 6_000;
/// How often a port that another program took first is replaced by another.
const PORT_ATTEMPTS: u32 = 5;
/// Where Debian's package puts the program, which is not on the path of every user.
const OUTSIDE_THE_PATH: [&str; 2] = ["/usr/sbin/nats-server", "/usr/local/sbin/nats-server"];

/// A running server. What its streams hold is kept in its folder, so that it survives [`NatsServer::kill`].
#[derive(Debug)]
pub struct NatsServer {
    process: Option<Child>,
    folder: TempDir,
    port: u16,
    /// Options of its command line, each a word.
    options: Vec<String>,
    /// What stands in its configuration file, where it has one.
    configuration: Option<String>,
}

#[expect(clippy::missing_panics_doc, reason = "a test that cannot have its server has failed")]
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
        panic!("nats-server did not start on any of {PORT_ATTEMPTS} ports");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL, without credentials.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
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

    /// Starts it again on the same port and folder after [`NatsServer::kill`].
    pub fn launch_again(&mut self) {
        assert!(self.process.is_none(), "it is running");
        // The port may not be free at once.
        let launched = (0..QUESTIONS).any(|_| self.launch());
        assert!(launched, "nats-server did not start again on port {}", self.port);
    }

    /// Whether it came up.
    fn launch(&mut self) -> bool {
        let mut command = Command::new(program());
        command.args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string()]);
        command.arg("-sd").arg(self.folder.path());
        if let Some(configuration) = &self.configuration {
            let file = self.folder.path().join("nats.conf");
            std::fs::write(&file, configuration).expect("the configuration of the server");
            command.arg("-c").arg(file);
        }
        command.args(&self.options).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("`nats-server` cannot be started ({error}): install it, on Debian with `apt-get install nats-server`")
        });
        let process = self.process.insert(process);
        for _ in 0..QUESTIONS {
            if process.try_wait().expect("the state of the process").is_some() {
                self.process = None;
                return false;
            }
            if greets((Ipv4Addr::LOCALHOST, self.port).into()) {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
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

/// A port that nobody listens on.
#[expect(clippy::missing_panics_doc, reason = "a test that cannot have a port has failed")]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
