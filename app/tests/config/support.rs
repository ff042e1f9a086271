//! Sources made of text.

use std::ffi::OsString;
use std::path::PathBuf;

use miroir::config::{Config, Loaded, Sources, load};

/// Sources with one file of the given content; the folder lives as long as the first value.
pub fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("miroir.yaml");
    std::fs::write(&path, content).unwrap();
    let sources = Sources { file: Some(path), folder: folder.path().to_owned(), ..Sources::default() };
    (folder, sources)
}

/// Sources with an environment and nothing else.
pub fn environment(variables: &[(&str, &str)]) -> Sources {
    let environment = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Sources {
        environment: environment.collect(),
        folder: PathBuf::from("/nonexistent"),
        ..Sources::default()
    }
}

/// The configuration of a file, which must hold.
pub fn config_of(content: &str) -> Config {
    let (_folder, sources) = file(content);
    accepted(sources).config
}

/// What the sources make, which must hold.
pub fn accepted(sources: Sources) -> Loaded {
    load(sources).unwrap_or_else(|error| panic!("refused: {error}"))
}

/// Every problem of a file, as it is printed.
pub fn problems_of(content: impl AsRef<[u8]>) -> Vec<String> {
    let (folder, sources) = file(content);
    let shown = folder.path().join("miroir.yaml").display().to_string();
    problems(sources).into_iter().map(|problem| problem.replace(&shown, "FILE")).collect()
}

/// Every problem of the sources, as it is printed.
pub fn problems(sources: Sources) -> Vec<String> {
    let error = load(sources).expect_err("should have been refused");
    error.problems.iter().map(ToString::to_string).collect()
}
