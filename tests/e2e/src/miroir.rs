//! A `miroir` process.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Result, bail};
use miroir_test_server::free_address;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::binary;
use crate::client::Client;
use crate::configuration::merge;
use crate::process::Process;
use crate::wait::TIMEOUT;

/// `miroir serve` as a child process, which keeps its address, configuration and store through restarts.
pub struct Miroir {
    process: Process,
    client: Client,
    file: PathBuf,
    program: PathBuf,
}

impl Miroir {
    /// Creates a process with files in `directory` and does not start it. Address and store have defaults
    /// that `configuration` overrides.
    pub(crate) async fn new(
        mut configuration: Value,
        environment: &[(String, String)],
        program: Option<&Path>,
        directory: &Path,
    ) -> Result<Self> {
        let address = free_address();
        fill(&mut configuration, "server", "address", json!(address.to_string()));
        fill(&mut configuration, "store", "path", json!(directory.join("miroir.db")));
        let address = configuration["server"]["address"].as_str().unwrap_or_default().to_owned();
        let key = configuration["auth"]["master_key"].as_str();
        let client = Client::new(format!("http://{address}"), key)?;
        // Every JSON document is a YAML document.
        let file = directory.join("miroir.yaml");
        std::fs::write(&file, serde_json::to_vec_pretty(&configuration)?)?;
        let program = match program {
            Some(program) => program,
            None => binary::miroir().await?,
        };
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&file).current_dir(directory);
        remove_settings(&mut command);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let process = Process::new("miroir", command, directory.join("miroir.log"));
        Ok(Self { process, client, file, program: program.to_owned() })
    }

    /// Returns the configuration.
    pub fn configuration(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(&self.file)?)?)
    }

    /// Runs another command of the program with the configuration, and returns its output. Returns an error
    /// with its error output if it fails.
    pub async fn run(&self, command: &[&str]) -> Result<String> {
        let mut program = Command::new(&self.program);
        remove_settings(&mut program);
        let output = program.args(command).arg("--config").arg(&self.file).output().await?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Renames the instance, from its next start on.
    pub fn rename(&self, id: &str) -> Result<()> {
        self.configure(json!({ "instance": { "id": id } }))
    }

    /// Uses the program of this workspace, from the next start on.
    pub async fn upgrade(&mut self) -> Result<()> {
        self.use_program(binary::miroir().await?);
        Ok(())
    }

    /// Uses another program, from the next start on.
    pub fn use_program(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
        self.process.use_program(program);
    }

    /// Changes the configuration, from the next start on.
    pub fn configure(&self, overrides: Value) -> Result<()> {
        let mut configuration = self.configuration()?;
        merge(&mut configuration, overrides);
        Ok(std::fs::write(&self.file, serde_json::to_vec_pretty(&configuration)?)?)
    }

    /// Starts the process and waits until `/_miroir/ready` returns 200.
    pub async fn start(&mut self) -> Result<()> {
        self.start_unready()?;
        self.until_ready().await
    }

    /// Starts the process without waiting, for clusters that cannot become ready.
    pub fn start_unready(&mut self) -> Result<()> {
        self.process.start()
    }

    /// Waits until `/_miroir/ready` returns 200.
    ///
    /// # Errors
    ///
    /// Returns an error with the log if the process ends, and with the last response after [`TIMEOUT`].
    pub async fn until_ready(&mut self) -> Result<()> {
        let mut last = Value::Null;
        let ready = async {
            loop {
                self.process.expect_running()?;
                if let Ok(response) = self.client.get("/_miroir/ready").await {
                    if response.status == 200 {
                        return Ok(());
                    }
                    last = response.body;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        match timeout(TIMEOUT, ready).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("miroir does not become ready; its last response was: {last}"),
        }
    }

    /// Kills the process with SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        self.process.kill().await
    }

    /// Sends SIGTERM and waits for the end of the process.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.process.terminate().await
    }

    /// Returns the process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Returns a client with the master key of the configuration.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// Keeps the environment of the caller from changing the configuration.
fn remove_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("MIROIR_") {
            command.env_remove(name);
        }
    }
}

/// Sets `section.key` unless it is set.
fn fill(configuration: &mut Value, section: &str, key: &str, value: Value) {
    let slot = &mut configuration[section][key];
    if slot.is_null() {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_sets_what_is_missing_and_nothing_else() {
        let mut configuration = json!({ "server": { "address": "127.0.0.1:1" } });
        fill(&mut configuration, "server", "address", json!("127.0.0.1:2"));
        fill(&mut configuration, "store", "path", json!("/p"));
        assert_eq!(
            configuration,
            json!({ "server": { "address": "127.0.0.1:1" }, "store": { "path": "/p" } })
        );
    }
}
