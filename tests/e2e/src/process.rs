//! A child process with its log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::wait::TIMEOUT;

/// Number of lines of the log that a failing test prints.
const LOG_LINES: usize = 80;

/// A program that can be started, stopped and started again. It is killed on drop, which prints the end of
/// its log during a panic.
pub struct Process {
    name: String,
    command: Command,
    log_path: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Creates a process without starting it. It appends its output to the file at `log_path`.
    pub fn new(name: impl Into<String>, mut command: Command, log_path: PathBuf) -> Self {
        command.stdin(Stdio::null()).kill_on_drop(true);
        Self { name: name.into(), command, log_path, child: None }
    }

    /// Replaces the program by `program`, from the next start on. Arguments, environment and
    /// directory stay.
    pub fn use_program(&mut self, program: &Path) {
        let former = self.command.as_std();
        let mut command = Command::new(program);
        command.args(former.get_args());
        for (name, value) in former.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = former.get_current_dir() {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        self.command = command;
    }

    /// Starts the process. Returns an error if it runs already.
    pub fn start(&mut self) -> Result<()> {
        ensure!(!self.is_running()?, "{} runs already", self.name);
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log_path)
            .with_context(|| format!("cannot open {}", self.log_path.display()))?;
        self.command.stdout(log.try_clone()?).stderr(log);
        let child = self.command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        self.child = Some(child);
        Ok(())
    }

    /// Returns whether the process runs.
    pub fn is_running(&mut self) -> Result<bool> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// Returns the process id while the process runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Returns an error with the end of the log if the process has ended.
    pub fn expect_running(&mut self) -> Result<()> {
        if self.is_running()? {
            return Ok(());
        }
        bail!("{} is not running; its log ends with:\n{}", self.name, self.log_tail())
    }

    /// Kills the process with SIGKILL and waits for its end. Does nothing if the process does not run.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await.with_context(|| format!("cannot kill {}", self.name))?;
        }
        Ok(())
    }

    /// Sends SIGTERM without waiting.
    pub async fn signal_end(&mut self) -> Result<()> {
        self.signal("-TERM").await
    }

    /// Pauses the process, which keeps its connections (SIGSTOP).
    pub async fn pause(&mut self) -> Result<()> {
        self.signal("-STOP").await
    }

    /// Resumes the paused process (SIGCONT).
    pub async fn resume(&mut self) -> Result<()> {
        self.signal("-CONT").await
    }

    async fn signal(&mut self, signal: &str) -> Result<()> {
        let Some(id) = self.id() else { bail!("{} does not run", self.name) };
        let status = Command::new("kill").args([signal, &id.to_string()]).status().await?;
        ensure!(status.success(), "cannot signal {}: {status}", self.name);
        Ok(())
    }

    /// Waits for the end of the process.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        self.wait_at_most(TIMEOUT).await
    }

    /// Waits at most `limit` for the end of the process.
    pub async fn wait_at_most(&mut self, limit: Duration) -> Result<ExitStatus> {
        let Some(child) = &mut self.child else { bail!("{} does not run", self.name) };
        let Ok(status) = timeout(limit, child.wait()).await else {
            bail!("{} does not end; its log ends with:\n{}", self.name, self.log_tail())
        };
        self.child = None;
        Ok(status?)
    }

    /// Sends SIGTERM and waits for the end of the process.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal_end().await?;
        self.wait().await
    }

    /// Returns the output of the process since its first start.
    pub fn log(&self) -> String {
        std::fs::read(&self.log_path)
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the log of {} ends with:\n{}\n---", self.name, self.log_tail());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (tempfile::TempDir, Process) {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let process = Process::new("a shell", command, directory.path().join("log"));
        (directory, process)
    }

    #[tokio::test]
    async fn process_ends_by_a_signal_and_starts_again() {
        let (_directory, mut process) =
            shell("trap 'echo terminated; exit 7' TERM; echo up; while :; do sleep 0.01; done");
        assert!(!process.is_running().unwrap());
        process.start().unwrap();
        assert!(process.start().is_err(), "it runs already");
        while !process.log().contains("up") {
            process.expect_running().unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(process.terminate().await.unwrap().code(), Some(7));
        assert!(process.log().contains("terminated"));
        process.start().unwrap();
        process.kill().await.unwrap();
        assert!(!process.is_running().unwrap());
        process.kill().await.unwrap();
    }

    #[tokio::test]
    async fn expect_running_shows_the_log_of_an_ended_process() {
        let (_directory, mut process) = shell("echo no such key >&2; exit 1");
        process.start().unwrap();
        while process.is_running().unwrap() {
            tokio::task::yield_now().await;
        }
        let error = process.expect_running().unwrap_err().to_string();
        assert!(error.contains("a shell") && error.contains("no such key"), "{error}");
    }

    #[tokio::test]
    async fn process_is_gone_after_drop() {
        let (directory, mut process) = shell("echo $$; while :; do sleep 0.01; done");
        process.start().unwrap();
        while !process.log().ends_with('\n') {
            tokio::task::yield_now().await;
        }
        let id = process.log().trim().to_owned();
        drop(process);
        let gone = async {
            while Command::new("kill")
                .args(["-0", &id])
                .stderr(Stdio::null())
                .status()
                .await
                .unwrap()
                .success()
            {
                tokio::task::yield_now().await;
            }
        };
        timeout(TIMEOUT, gone).await.expect("the process outlives its handle");
        drop(directory);
    }
}
