//! Changed copies of the chart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use tempfile::TempDir;

use crate::path::chart;

/// A copy of the chart that a test may change. The files are deleted on drop.
#[derive(Debug)]
pub struct ChartCopy {
    _folder: TempDir,
    chart: PathBuf,
}

impl ChartCopy {
    /// Copies the chart.
    ///
    /// # Errors
    ///
    /// Returns the error of the file system.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join("miroir");
        let status = Command::new("cp").arg("-r").arg(chart()).arg(&copy).status()?;
        if !status.success() {
            return Err(io::Error::other("cp failed, see above"));
        }
        Ok(Self { _folder: folder, chart: copy })
    }

    /// Copies the chart without the schema of its values, so that helm renders values that the schema
    /// refuses. `helm template --skip-schema-validation` does the same in newer versions of helm.
    ///
    /// # Errors
    ///
    /// Returns the error of the file system.
    pub fn without_schema() -> io::Result<Self> {
        let copy = Self::new()?;
        fs::remove_file(copy.folder().join("values.schema.json"))?;
        Ok(copy)
    }

    /// Returns the folder of the copied chart.
    pub fn folder(&self) -> &Path {
        &self.chart
    }
}
