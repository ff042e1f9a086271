//! Paths inside the repository.

use std::path::PathBuf;

/// Returns the absolute path of `path`, which is relative to the root of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Returns the folder of the chart.
pub fn chart() -> PathBuf {
    repository("charts/miroir")
}
