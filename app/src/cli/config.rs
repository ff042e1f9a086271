//! `miroir config`: checks and describes the configuration.

use anyhow::Context;
use clap::Subcommand;

use super::output::print;
use super::settings::Settings;
use crate::config::{reference, schema};
use crate::wiring;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the effective configuration with keys masked, or all problems with it.
    Check(Settings),
    /// Print the JSON schema of the configuration file, for editors.
    Schema {
        /// Print the reference in Markdown instead (`docs/configuration.md`).
        #[arg(long)]
        markdown: bool,
    },
}

pub(super) fn run(command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Check(settings) => check(settings),
        ConfigCommand::Schema { markdown: true } => print(&reference::markdown()),
        ConfigCommand::Schema { markdown: false } => {
            print(&format!("{}\n", serde_json::to_string_pretty(&schema::json_schema())?))
        }
    }
}

fn check(settings: Settings) -> anyhow::Result<()> {
    let loaded = settings.load()?;
    wiring::check_sinks(&loaded.config.cdc)?;
    let source = loaded.file.map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    eprintln!("The configuration is valid ({source}, environment, flags).");
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    print(&serde_norway::to_string(&loaded.config).context("cannot print the configuration")?)
}
