//! Scripts in the Python environment that `make client` installs.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tokio::process::Command;

/// Environment variable that names the interpreter, instead of the one that `make client` installs.
const PYTHON: &str = "MIROIR_TEST_PYTHON";

/// Returns a command that runs a script of the folder `python`, isolated from the proxies and the packages of
/// this machine.
pub fn python_script(name: &str) -> Result<Command> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
    let mut command = Command::new(interpreter()?);
    command.args(["-I", "-B"]).arg(script).env("NO_PROXY", "*");
    Ok(command)
}

fn interpreter() -> Result<PathBuf> {
    let named = env::var_os(PYTHON).map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let python = named.unwrap_or(installed);
    ensure!(
        python.is_file(),
        "{} is not there: run `make client`, or name a Python that has its packages in {PYTHON}",
        python.display()
    );
    Ok(python)
}
