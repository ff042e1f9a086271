//! The program as a process with an environment of its own.

use std::process::Stdio;

use miroir_e2e::{TIMEOUT, program};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

/// Keys of every Miroir in these tests.
pub const ADMIN_KEY: &str = "very-secret-admin-key";
pub const MASTER_KEY: &str = "very-secret-master-key";

/// Outcome of a run.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Returns the standard output of a run that succeeded without a message.
    pub fn well(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:#?}");
        self.stdout
    }

    /// Returns the standard error of a run that ended with `code`.
    pub fn badly(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.stderr.starts_with("miroir: "), "{self:#?}");
        self.stderr
    }

    /// Like [`Self::badly`], and asserts that the output has no control sequences.
    pub fn badly_cleaned(self, code: i32) -> String {
        let all = format!("{}{}", self.stdout, self.stderr);
        assert!(is_harmless(&all), "{all:?}");
        self.badly(code)
    }
}

/// Returns whether the text has no control sequences for a terminal.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() && character != '\n')
        && !text.contains(['\u{202e}', '\u{2066}'])
}

/// Asserts that the text contains every part.
pub fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

/// The program with the settings for one Miroir.
#[derive(Clone)]
pub struct Tool {
    environment: Vec<(String, String)>,
}

impl Tool {
    /// Creates the settings for the Miroir at `url`, with both keys.
    pub fn new(url: &str) -> Self {
        let variables =
            [("MIROIR_URL", url), ("MIROIR_ADMIN_API_KEY", ADMIN_KEY), ("MIROIR_API_KEY", MASTER_KEY)];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { environment }
    }

    /// Returns a copy with another value of a variable. An empty value removes the variable.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut environment = self.environment.clone();
        environment.retain(|(known, _)| known != name);
        environment.push((name.to_owned(), value.to_owned()));
        Self { environment }
    }

    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the command with these arguments.
    pub async fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program().await.unwrap();
        command.args(arguments).envs(self.environment());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end. Asserts that no key is printed.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments).await;
        let output = timeout(TIMEOUT, command.output()).await.expect("an exit within the timeout").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ended = Ended {
            code: output.status.code().expect("an exit without a signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!format!("{ended:?}").contains("very-secret"), "a key is shown: {ended:#?}");
        ended
    }

    /// Returns the text output, which must have no trailing spaces and no control sequences.
    pub async fn text(&self, arguments: &[&str]) -> String {
        let text = self.run(arguments).await.well();
        assert!(is_harmless(&text), "{text:?}");
        assert!(text.ends_with('\n') && text.lines().all(|line| line.trim_end() == line), "{text:?}");
        text
    }

    /// Returns the JSON output.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["--json"]].concat()).await.well();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }
}
