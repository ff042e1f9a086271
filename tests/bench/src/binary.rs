//! The release build of `miroir`: its path and its size.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::row::{Goal, Row, Unit};

/// Environment variable that names a `miroir` program to measure instead of the one of this workspace.
const VARIABLE: &str = "MIROIR_BIN";

/// Returns the path of the program to measure. Builds it with cargo, unless [`VARIABLE`] names one.
pub fn path() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let path = PathBuf::from(named);
        return path.canonicalize().with_context(|| format!("{VARIABLE} names {}", path.display()));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "miroir", "--bin", "miroir"])
        .arg("--message-format=json")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cannot run cargo to build miroir")?;
    ensure!(output.status.success(), "miroir does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built miroir and did not report its path")
}

/// Measures the size of the program.
pub fn measure() -> Result<Vec<Row>> {
    const LIMIT: f64 = 30e6;
    let path = path()?;
    let bytes = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
    // A program is far smaller than 2^52 bytes.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let bytes = bytes as f64;
    Ok(vec![Row::alone(
        "build",
        "size of the release binary, stripped",
        Unit::Bytes,
        bytes,
        Goal::AtMost(LIMIT),
    )])
}
