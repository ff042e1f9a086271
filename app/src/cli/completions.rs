//! `miroir completions`: completion scripts for shells.

use clap::{Args, Command};
use clap_complete::Shell;

use super::output::print;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

/// Prints the completion script of `command`.
pub(super) fn run(arguments: &CompletionsArguments, mut command: Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "miroir", &mut script);
    print(&String::from_utf8_lossy(&script))
}
