//! Latency of the disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tokio::time::Instant;

use crate::row::{Goal, Row, Unit};
use crate::samples::Samples;

const WRITES: u32 = 300;
/// Size of one page of SQLite.
const BYTES: usize = 4096;

/// Measures the time of appending a page and syncing it.
pub fn measure(folder: &Path) -> Result<Vec<Row>> {
    let mut file = File::create(folder.join("fdatasync")).context("cannot create a file to sync")?;
    let page = [7_u8; BYTES];
    let mut samples = Samples::default();
    for _ in 0..WRITES {
        file.write_all(&page)?;
        let begun = Instant::now();
        file.sync_data()?;
        samples.push(begun.elapsed());
    }
    let row = |figure, value| Row::alone("store", figure, Unit::Seconds, value, Goal::None);
    Ok(vec![
        row("fdatasync of the disk, p50", samples.p50()),
        row("fdatasync of the disk, p99", samples.p99()),
    ])
}
