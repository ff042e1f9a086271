//! Measures Miroir: every figure against a reference measured in the same run.
//!
//! ```text
//! make bench
//! cargo run --release -p miroir-bench -- --help
//! ```
//!
//! `docs/BENCHMARKS.md` explains each row. No time is asserted: the table marks a goal that is not met, and
//! the program fails only if a measurement fails.

mod binary;
mod disk;
mod domain;
mod process;
mod redis;
mod repair;
mod report;
mod row;
mod samples;
mod service;
mod shared;
mod store;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::report::Report;

/// A part of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The task store on SQLite.
    Store,
    /// The task store on Redis.
    Redis,
    /// Merging and routing, without network or disk.
    Domain,
    /// A `miroir serve` with three nodes.
    Service,
    /// The repair of one large shard while a client writes.
    Repair,
    /// The size of the program.
    Build,
}

/// Measures Miroir against references taken in the same run.
#[derive(Debug, Parser)]
#[command(name = "miroir-bench")]
struct Arguments {
    /// Tasks in the larger of the two stores that are listed.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    tasks: u32,
    /// Documents of the shard that is repaired.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    shard_documents: u32,
    /// Number of times that it is repaired.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repairs: u32,
    /// Path of the results as JSON.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// Print the table as Markdown, as in docs/BENCHMARKS.md.
    #[arg(long)]
    markdown: bool,
    /// Measure only these sections.
    #[arg(long, value_enum)]
    only: Vec<Section>,
    /// Path of the page on the memory of Redis keyspaces, such as docs/redis-memory.md.
    #[arg(long)]
    redis_memory: Option<PathBuf>,
    /// Folder for the files of the stores, on the disk to measure.
    #[arg(long, default_value = "target")]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if cfg!(debug_assertions) {
        eprintln!("Figures of a debug build are of little use: run `make bench`.");
    }
    let wanted = |section| arguments.only.is_empty() || arguments.only.contains(&section);
    std::fs::create_dir_all(&arguments.folder)
        .with_context(|| format!("cannot create {}", arguments.folder.display()))?;
    let folder = tempfile::tempdir_in(&arguments.folder).context("cannot create a folder for the stores")?;
    // The measured processes have another working directory.
    let path = folder.path().canonicalize()?;

    let mut report = Report::default();
    if wanted(Section::Domain) {
        report.add(domain::measure()?);
    }
    if wanted(Section::Store) {
        report.add(store::measure(&path, arguments.tasks).await?);
    }
    if wanted(Section::Redis) {
        report.add(redis::measure(arguments.tasks, arguments.redis_memory.as_deref()).await?);
    }
    if wanted(Section::Service) {
        let (nodes, rows) = service::measure(&path).await?;
        report.nodes = Some(nodes);
        report.add(rows);
    }
    if wanted(Section::Repair) {
        let (kind, _) = service::nodes();
        report.add(repair::measure(kind, &path, arguments.shard_documents, arguments.repairs).await?);
    }
    if wanted(Section::Build) {
        report.add(binary::measure()?);
    }

    report.write_json(&arguments.json)?;
    print!("{}", if arguments.markdown { report.markdown() } else { report.text() });
    eprintln!("Written to {}.", arguments.json.display());
    Ok(())
}
