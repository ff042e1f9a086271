//! `miroir completions`: what a shell needs to complete the command line.

use clap::Args;
use clap_complete::Shell;

use super::{command, print};

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArguments) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "miroir", &mut script);
    print(&String::from_utf8_lossy(&script))
}
