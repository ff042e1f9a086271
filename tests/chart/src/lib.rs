//! The Helm chart, rendered by the real helm, for tests.

mod case;
mod helm;
mod object;

use std::path::PathBuf;

pub use case::{CASES, Case, case};
pub use helm::{NAMESPACE, RELEASE, Values};
pub use object::{Container, Object, Rendered};

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The folder of the chart.
pub fn chart() -> PathBuf {
    repository("charts/miroir")
}
