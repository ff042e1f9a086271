//! A real Meilisearch as a child process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// The longest wait for a server to start, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The pause between two health checks of a starting server.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The length of the excerpt from the end of a server's log, in characters.
const LOG_EXCERPT_CHARS: usize = 600;

/// A server and its folder. Dropping it kills the process.
pub(super) struct RealNode {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl RealNode {
    /// Starts a server on a free port with its data in `folder`, and waits until it is healthy.
    pub(super) async fn start(program: &Path, folder: PathBuf) -> anyhow::Result<Self> {
        tokio::fs::create_dir_all(&folder)
            .await
            .with_context(|| format!("cannot create {}", folder.display()))?;
        // The port is free again when this listener is dropped. If another process takes it before the server
        // does, the server exits and the start fails.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?;
        let child = spawn(program, &folder, address)?;
        let mut node = Self { program: program.to_owned(), folder, address, child };
        node.wait_until_healthy().await?;
        Ok(node)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills the process (SIGKILL) and waits for its end.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill the process")
    }

    /// Starts the server again on the same port with the same data.
    pub(super) async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.program, &self.folder, self.address)?;
        self.wait_until_healthy().await
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
        let health = format!("{}/health", self.url());
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if http.get(&health).send().await.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} exited with {status}: {}", self.program.display(), self.log_excerpt());
            }
            if Instant::now() > deadline {
                bail!(
                    "{health} was not healthy within {} s: {}",
                    START_TIMEOUT.as_secs(),
                    self.log_excerpt()
                );
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the end of the server's log.
    fn log_excerpt(&self) -> String {
        let log = std::fs::read(self.folder.join(LOG_FILE)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let skipped = log.chars().count().saturating_sub(LOG_EXCERPT_CHARS);
        log.chars().skip(skipped).collect::<String>().trim().to_owned()
    }
}

/// The file for a server's output, inside its folder.
const LOG_FILE: &str = "output.log";

fn spawn(program: &Path, folder: &Path, address: SocketAddr) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join(LOG_FILE)).context("cannot create the log file")?;
    let mut command = Command::new(program);
    // Settings for other servers (`MEILI_MASTER_KEY`, `MEILI_DB_PATH`) must not apply to this one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MEILI_")) {
        command.env_remove(name);
    }
    command
        .arg("--db-path")
        .arg(folder.join("data.ms"))
        .arg("--http-addr")
        .arg(address.to_string())
        .args(["--env", "development", "--no-analytics"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))
}
