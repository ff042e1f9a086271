//! The program as a tool: run to its end, in an environment of its own.

use std::process::Stdio;

use miroir_e2e::{PATIENCE, program};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

/// The keys of every Miroir of these tests.
pub const ADMIN_KEY: &str = "very-secret-admin-key";
pub const MASTER_KEY: &str = "very-secret-master-key";

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What was printed, of a run that ended well and complained of nothing.
    pub fn well(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:#?}");
        self.stdout
    }

    /// What was said, of a run that ended with `code`.
    pub fn badly(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.stderr.starts_with("miroir: "), "{self:#?}");
        self.stderr
    }

    /// The same, of a run in which others could say what they wanted: nothing that a terminal obeys is in it.
    pub fn badly_cleaned(self, code: i32) -> String {
        let all = format!("{}{}", self.stdout, self.stderr);
        assert!(is_harmless(&all), "{all:?}");
        self.badly(code)
    }
}

/// Whether a terminal only shows it.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() && character != '\n')
        && !text.contains(['\u{202e}', '\u{2066}'])
}

/// Every part is in the text.
pub fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

/// The program for one Miroir.
#[derive(Clone)]
pub struct Tool {
    environment: Vec<(String, String)>,
}

impl Tool {
    /// For the Miroir at `url`, with both keys.
    pub fn new(url: &str) -> Self {
        let variables =
            [("MIROIR_URL", url), ("MIROIR_ADMIN_API_KEY", ADMIN_KEY), ("MIROIR_API_KEY", MASTER_KEY)];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { environment }
    }

    /// The same with another value of a variable; none when it is empty.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut environment = self.environment.clone();
        environment.retain(|(known, _)| known != name);
        environment.push((name.to_owned(), value.to_owned()));
        Self { environment }
    }

    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The command with these arguments, not run yet.
    pub async fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program().await.unwrap();
        command.args(arguments).envs(self.environment());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end. No key is ever printed.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments).await;
        let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ended = Ended {
            code: output.status.code().expect("it ends by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!format!("{ended:?}").contains("very-secret"), "a key is shown: {ended:#?}");
        ended
    }

    /// What it prints for people: lines that end where their text ends, and nothing that a terminal obeys.
    pub async fn text(&self, arguments: &[&str]) -> String {
        let text = self.run(arguments).await.well();
        assert!(is_harmless(&text), "{text:?}");
        assert!(text.ends_with('\n') && text.lines().all(|line| line.trim_end() == line), "{text:?}");
        text
    }

    /// What it prints for programs.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["--json"]].concat()).await.well();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }
}
