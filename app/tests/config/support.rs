//! Sources of configurations, for tests.

use std::ffi::OsString;
use std::path::PathBuf;

use miroir::config::{Config, Loaded, Sources, load};

/// Returns sources with one file of this content. Dropping the first value removes the file.
pub fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("miroir.yaml");
    std::fs::write(&path, content).unwrap();
    let sources = Sources { file: Some(path), folder: folder.path().to_owned(), ..Sources::default() };
    (folder, sources)
}

/// Returns sources with an environment only.
pub fn environment(variables: &[(&str, &str)]) -> Sources {
    let environment = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Sources {
        environment: environment.collect(),
        folder: PathBuf::from("/nonexistent"),
        ..Sources::default()
    }
}

/// Loads a file, which must be valid.
pub fn config_of(content: &str) -> Config {
    let (_folder, sources) = file(content);
    accepted(sources).config
}

/// Loads the sources, which must be valid.
pub fn accepted(sources: Sources) -> Loaded {
    load(sources).unwrap_or_else(|error| panic!("refused: {error}"))
}

/// Returns the messages of all problems of a file.
pub fn problems_of(content: impl AsRef<[u8]>) -> Vec<String> {
    let (folder, sources) = file(content);
    let shown = folder.path().join("miroir.yaml").display().to_string();
    problems(sources).into_iter().map(|problem| problem.replace(&shown, "FILE")).collect()
}

/// Returns the messages of all problems of the sources.
pub fn problems(sources: Sources) -> Vec<String> {
    let error = load(sources).expect_err("should have been refused");
    error.problems.iter().map(ToString::to_string).collect()
}
