//! The command line of the `miroir` program.

mod completions;
mod config;
mod health;
mod output;
mod rebuild;
#[cfg(feature = "demo")]
mod sandbox;
mod serve;
mod settings;
mod signal;
mod store;
mod topology;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::ConfigError;
use miroir_client::{Failure, Group, Session, alias, canary, cdc, job, lease, node, task};
use miroir_ports::outbound::Clock as _;
use miroir_system::SystemClock;
use output::print;

/// The exit codes for `miroir --help`. `docs/cli.md` explains them.
const EXIT_CODES: &str = "Exit codes: 0 success, 1 failure, 2 invalid arguments or configuration. \
Commands for a running Miroir also use:\n\
3 not found, 4 conflict, 5 unauthorized, 6 unreachable, 7 unhealthy, 8 timed out.";

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
    /// Run Miroir with three nodes of its own and sample data, until Ctrl-C.
    #[cfg(feature = "demo")]
    Dev(sandbox::dev::DevArguments),
    /// Demonstrate in a minute what Miroir does, and check every step.
    #[cfg(feature = "demo")]
    Demo(sandbox::demo::DemoArguments),
    /// Check the configuration or print its schema.
    Config {
        #[command(subcommand)]
        command: config::ConfigCommand,
    },
    /// Check the health of a running Miroir. Exits with 1 if it is unhealthy or unreachable.
    Health(health::HealthArguments),
    /// Check, back up and migrate the task store.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// List tasks and wait for them.
    Task(Group<task::TaskCommand>),
    /// Manage aliases.
    Alias(Group<alias::AliasCommand>),
    /// Manage and run canaries: stored searches with assertions.
    Canary(Group<canary::CanaryCommand>),
    /// Manage the sinks of change events, and read changes.
    Cdc(Group<cdc::CdcCommand>),
    /// List nodes, and decide about their data.
    Node(Group<node::NodeCommand>),
    /// Show nodes, shards, instances and readiness, and accept a changed topology.
    Topology(Group<topology::TopologyCommand>),
    /// List leases and their holders.
    Lease(Group<lease::LeaseCommand>),
    /// List and cancel jobs.
    Job(Group<job::JobCommand>),
    /// Print the completion script for a shell.
    Completions(completions::CompletionsArguments),
    /// Print the OpenAPI document of all routes (`docs/openapi.json`).
    Openapi,
    /// Print the version.
    Version,
}

/// Returns the definition of the command line, for documentation and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The exit code for an invalid configuration. clap uses the same code for invalid arguments.
const EXIT_CONFIG: u8 = 2;

/// Runs the command of `arguments`, which begin with the name of the program. Returns the exit code.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version arrive here too, with code 0. Printing fails only if the pipe is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_CONFIG));
        }
    };
    let result = match arguments.command {
        Command::Serve(settings) => serve::run(settings).await,
        #[cfg(feature = "demo")]
        Command::Dev(arguments) => sandbox::dev::run(arguments).await,
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => sandbox::demo::run(arguments).await,
        Command::Config { command } => config::run(command),
        Command::Health(arguments) => health::run(arguments).await,
        Command::Store { command } => store::run(command).await,
        Command::Task(group) => remote(group, task::run).await,
        Command::Alias(group) => remote(group, alias::run).await,
        Command::Canary(group) => remote(group, canary::run).await,
        Command::Cdc(group) => remote(group, cdc::run).await,
        Command::Node(group) => remote(group, node::run).await,
        Command::Topology(group) => run_topology(group).await,
        Command::Lease(group) => remote(group, lease::run).await,
        Command::Job(group) => remote(group, job::run).await,
        Command::Completions(arguments) => completions::run(&arguments, command()),
        Command::Openapi => print(&miroir_http::openapi_text()),
        Command::Version => print(concat!("miroir ", env!("CARGO_PKG_VERSION"), "\n")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Runs a command for a running Miroir.
async fn remote<C: Subcommand, F>(group: Group<C>, run: impl FnOnce(Session, C) -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), Failure>>,
{
    Ok(group.run(|| SystemClock.now(), run).await?)
}

/// Runs a command of `miroir topology`, most of which are for a running Miroir.
async fn run_topology(group: Group<topology::TopologyCommand>) -> anyhow::Result<()> {
    use topology::TopologyCommand::{Accept, Running};
    let as_json = group.as_json();
    match group.split() {
        (Accept(arguments), _) => topology::run_accept(arguments, as_json).await,
        (Running(command), rest) => remote(rest.with(command), miroir_client::topology::run).await,
    }
}

/// Prints `error` and returns its exit code.
fn report(error: &anyhow::Error) -> ExitCode {
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
