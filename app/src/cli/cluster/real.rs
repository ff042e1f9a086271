//! A real Meilisearch as a child process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How long a server may take until it answers: a cold start on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// How often a starting server is asked.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How much of a server's last words is repeated when it ends too early, in characters.
const LAST_WORDS: usize = 600;

/// A server and its folder. Dropping it kills the process.
pub(super) struct RealNode {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl RealNode {
    /// Starts a server on a free port with its data in `folder`, and waits until it answers.
    pub(super) async fn start(program: &Path, folder: PathBuf) -> anyhow::Result<Self> {
        tokio::fs::create_dir_all(&folder)
            .await
            .with_context(|| format!("cannot make {}", folder.display()))?;
        // The port is free until this listener is dropped; nothing else on this machine is likely to take it before
        // the server does, and if it does the server says so and the start fails.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?;
        let child = spawn(program, &folder, address)?;
        let mut node = Self { program: program.to_owned(), folder, address, child };
        node.answers().await?;
        Ok(node)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the process at once (SIGKILL) and waits for its end.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill the process")
    }

    /// Starts it again on the same port with the same data.
    pub(super) async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.program, &self.folder, self.address)?;
        self.answers().await
    }

    async fn answers(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
        let health = format!("{}/health", self.url());
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}: {}", self.program.display(), self.last_words());
            }
            if Instant::now() > deadline {
                bail!("{health} did not answer within {} s: {}", START_PATIENCE.as_secs(), self.last_words());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read(self.folder.join(LOG_FILE)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let skipped = log.chars().count().saturating_sub(LAST_WORDS);
        log.chars().skip(skipped).collect::<String>().trim().to_owned()
    }
}

/// Where a server's output goes, inside its folder.
const LOG_FILE: &str = "output.log";

fn spawn(program: &Path, folder: &Path, address: SocketAddr) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join(LOG_FILE)).context("cannot make the log file")?;
    let mut command = Command::new(program);
    // Settings of some other Meilisearch of this person (`MEILI_MASTER_KEY`, `MEILI_DB_PATH`) must not reach this one.
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
