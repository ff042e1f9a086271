//! Paths of the programs under test.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// Environment variable that names the `miroir` binary to test instead of the one of this workspace.
const MIROIR: &str = "MIROIR_BIN";
/// Environment variable that names the Meilisearch binary for real nodes.
const MEILISEARCH: &str = "MIROIR_MEILISEARCH_BIN";
/// Environment variable that names the `miroir` binary of an earlier version.
const PREVIOUS: &str = "MIROIR_PREVIOUS_BIN";

/// Returns the `miroir` binary. Builds it at first use, so that no test runs an old one.
pub async fn miroir() -> Result<&'static Path> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_try_init(find_miroir).await.map(PathBuf::as_path)
}

/// Returns a command of the `miroir` program with an empty environment.
pub async fn program() -> Result<Command> {
    let mut command = Command::new(miroir().await?);
    command.env_clear().stdin(std::process::Stdio::null()).kill_on_drop(true);
    Ok(command)
}

async fn find_miroir() -> Result<PathBuf> {
    if let Some(path) = env::var_os(MIROIR) {
        return existing(MIROIR, Path::new(&path));
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // Build scripts of dependencies would run again because of the variables of this package.
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            build.env_remove(name);
        }
    }
    let output = build
        .args(["build", "--quiet", "--package", "miroir", "--bin", "miroir", "--message-format=json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .context("cannot run cargo to build miroir")?;
    ensure!(
        output.status.success(),
        "miroir does not build: {}\n{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    executable_of(&output.stdout).context("cargo built miroir and did not report its path")
}

/// Returns the executable that cargo's messages name.
fn executable_of(messages: &[u8]) -> Option<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// Returns the Meilisearch binary. Returns an error that names the variable to set if there is none.
pub(crate) fn meilisearch() -> Result<PathBuf> {
    let path = env::var_os(MEILISEARCH).with_context(|| {
        format!("tests with real nodes need {MEILISEARCH}: set it to the path of a meilisearch binary")
    })?;
    existing(MEILISEARCH, Path::new(&path))
}

/// Returns the `miroir` binary of an earlier version. Returns an error that names the variable to set if
/// there is none.
pub fn previous_miroir() -> Result<PathBuf> {
    let path = env::var_os(PREVIOUS).with_context(|| {
        format!(
            "tests of an upgrade need {PREVIOUS}: set it to the path of the program of an earlier version"
        )
    })?;
    existing(PREVIOUS, Path::new(&path))
}

/// Returns the absolute path of an existing file.
fn existing(variable: &str, path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{variable} names {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_is_read_from_the_messages_of_cargo() {
        let messages = br#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/target/debug/miroir"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable_of(messages), Some(PathBuf::from("/target/debug/miroir")));
        assert_eq!(executable_of(b"not json\n"), None);
    }

    #[test]
    fn missing_file_is_an_error_that_names_its_variable() {
        let error = existing(MEILISEARCH, Path::new("/no/such/file")).unwrap_err().to_string();
        assert!(error.contains(MEILISEARCH) && error.contains("/no/such/file"), "{error}");
    }
}
