//! The command line: what can be asked of the `miroir` program.

mod client;
mod cluster;
mod config;
mod demo;
mod dev;
mod films;
mod serve;
mod settings;
mod signal;
mod store;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::config::ConfigError;

/// Several Meilisearch servers behaving as one highly available search service.
#[derive(Debug, Parser)]
#[command(name = "miroir", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run Miroir in front of the configured Meilisearch nodes, until SIGTERM or Ctrl-C.
    Serve(settings::Settings),
    /// Run Miroir with three nodes of its own and a set of films, to play with, until Ctrl-C.
    Dev(dev::DevArguments),
    /// Show in a minute what Miroir does, checking every step, and end.
    Demo(demo::DemoArguments),
    /// Check or describe the configuration.
    Config {
        #[command(subcommand)]
        command: config::ConfigCommand,
    },
    /// Look after the task store.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// Print the OpenAPI document of every route, which is `docs/openapi.json`.
    Openapi,
    /// Print the version.
    Version,
}

/// The exit code of a configuration that was refused; clap uses the same for arguments that were.
const EXIT_CONFIG: u8 = 2;

/// Does what the arguments (with the program's name first) ask, and tells how it went.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version arrive here too, with code 0. A closed pipe is all that can make printing fail.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_CONFIG));
        }
    };
    let result = match arguments.command {
        Command::Serve(settings) => serve::run(settings).await,
        Command::Dev(arguments) => dev::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Config { command } => config::run(command),
        Command::Store { command } => store::run(command).await,
        Command::Openapi => print(&miroir_http::openapi_text()),
        Command::Version => print(concat!("miroir ", env!("CARGO_PKG_VERSION"), "\n")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("miroir: {error:#}");
            if error.is::<ConfigError>() { ExitCode::from(EXIT_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

/// Writes to standard output. A reader that has seen enough (`miroir config schema | head`) is not an error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(()),
    }
}
