//! `miroir config`: is it right, and what can be set.

use anyhow::Context;
use clap::Subcommand;

use super::print;
use super::settings::Settings;
use crate::config::reference;
use crate::wiring;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration: print all of it with keys masked, or everything that is wrong.
    Check(Settings),
    /// Print the JSON schema of the configuration file, for editors.
    Schema {
        /// Print the reference for people instead, which is `docs/configuration.md`.
        #[arg(long)]
        markdown: bool,
    },
}

pub(super) fn run(command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Check(settings) => check(settings),
        ConfigCommand::Schema { markdown: true } => print(&reference::markdown()),
        ConfigCommand::Schema { markdown: false } => {
            print(&format!("{}\n", serde_json::to_string_pretty(&reference::json_schema())?))
        }
    }
}

fn check(settings: Settings) -> anyhow::Result<()> {
    let loaded = settings.load()?;
    wiring::check_sinks(&loaded.config.cdc)?;
    let source = loaded.file.map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    eprintln!("The configuration holds ({source}, environment, flags).");
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    print(&serde_norway::to_string(&loaded.config).context("cannot print the configuration")?)
}
