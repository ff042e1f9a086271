//! The command line: what can be asked of the `miroir` program.

mod client;
mod cluster;
mod completions;
mod config;
mod demo;
mod dev;
mod films;
mod health;
mod serve;
mod settings;
mod signal;
mod store;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::ConfigError;
use miroir_client::{Failure, Group, Session, alias, canary, cdc, job, lease, task, topology};
use miroir_ports::outbound::Clock as _;
use miroir_system::SystemClock;

/// What `miroir --help` says of exit codes; `docs/cli.md` says more.
const EXIT_CODES: &str = "Exit codes: 0 all is well, 1 failed, 2 arguments or configuration. Of commands for a running Miroir also:
3 not found, 4 refused for what is there now, 5 key refused, 6 no answer, 7 answered and not well, 8 time is up.";

/// Several Meilisearch servers behaving as one highly available search service.
#[derive(Debug, Parser)]
#[command(name = "miroir", version, propagate_version = true, after_help = EXIT_CODES)]
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
    /// Request a running Miroir whether it is well; ends with 1 when it is not, or does not answer.
    Health(health::HealthArguments),
    /// Look after the task store.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// See what became of writes.
    Task(Group<task::TaskCommand>),
    /// Look after the names that stand for indexes.
    Alias(Group<alias::AliasCommand>),
    /// Look after the stored searches that watch what is answered.
    Canary(Group<canary::CanaryCommand>),
    /// Watch and steer who is told of changes, and follow them.
    Cdc(Group<cdc::CdcCommand>),
    /// See nodes and instances, and whether requests can be served.
    Topology(Group<topology::TopologyCommand>),
    /// See which instance leads what.
    Lease(Group<lease::LeaseCommand>),
    /// See long work and call it off.
    Job(Group<job::JobCommand>),
    /// Print the completions for a shell.
    Completions(completions::CompletionsArguments),
    /// Print the OpenAPI document of every route, which is `docs/openapi.json`.
    Openapi,
    /// Print the version.
    Version,
}

/// The whole command line, for documents and completions.
pub fn command() -> clap::Command {
    Arguments::command()
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
        Command::Health(arguments) => health::run(arguments).await,
        Command::Store { command } => store::run(command).await,
        Command::Task(group) => remote(group, task::run).await,
        Command::Alias(group) => remote(group, alias::run).await,
        Command::Canary(group) => remote(group, canary::run).await,
        Command::Cdc(group) => remote(group, cdc::run).await,
        Command::Topology(group) => remote(group, topology::run).await,
        Command::Lease(group) => remote(group, lease::run).await,
        Command::Job(group) => remote(group, job::run).await,
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Openapi => print(&miroir_http::openapi_text()),
        Command::Version => print(concat!("miroir ", env!("CARGO_PKG_VERSION"), "\n")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ended_badly(&error),
    }
}

/// Runs a command of the client of a running Miroir.
async fn remote<C: Subcommand, F>(group: Group<C>, run: impl FnOnce(Session, C) -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), Failure>>,
{
    Ok(group.run(|| SystemClock.now(), run).await?)
}

fn ended_badly(error: &anyhow::Error) -> ExitCode {
    let remote = error.downcast_ref::<Failure>();
    if remote.is_some_and(Failure::is_silent) {
        return ExitCode::SUCCESS;
    }
    eprintln!("miroir: {error:#}");
    match remote {
        Some(failure) => ExitCode::from(failure.exit_code()),
        None if error.is::<ConfigError>() => ExitCode::from(EXIT_CONFIG),
        None => ExitCode::FAILURE,
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
