//! The program under test.

use std::process::{Command, Output, Stdio};

/// Returns a command that runs the program in an empty folder and environment, independent of this machine.
pub fn miroir(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_miroir"));
    command.args(arguments).env_clear().current_dir(folder.path()).stdin(Stdio::null());
    command
}

/// Runs the program to its end, with `file` as its configuration file.
pub fn run(arguments: &[&str], file: Option<&str>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    if let Some(content) = file {
        std::fs::write(folder.path().join("miroir.yaml"), content).unwrap();
    }
    miroir(&folder, arguments).output().unwrap()
}

/// Returns output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
