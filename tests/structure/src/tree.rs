//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what a build or a tool made.
const GENERATED: [&str; 5] = ["target", "data", "node_modules", "__pycache__", ".venv"];

/// Returns the root of the repository.
///
/// # Panics
///
/// Panics when the repository is gone since the tests were built.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository has a root")
}

/// Returns the paths of all files below the folder `path` of the repository, relative to its root, in
/// order. Hidden and generated folders are left out.
///
/// # Panics
///
/// Panics when a path has no relation to the root, which is a defect of this function.
pub fn files(path: &str) -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    collect(&root.join(path), &mut found);
    let mut relative: Vec<String> = found
        .iter()
        .map(|file| file.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned())
        .collect();
    relative.sort();
    relative
}

/// Returns the text of a file of the repository.
///
/// # Panics
///
/// Panics when the file cannot be read.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns every Rust source of the repository with its text.
pub fn sources() -> Vec<(String, String)> {
    let paths = files("").into_iter().filter(|path| has_extension(path, "rs"));
    paths.map(|path| (path.clone(), read(&path))).collect()
}

/// Returns whether `path` ends with the extension `extension`.
pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Returns the folder of every crate of the workspace that is built from `src/lib.rs` or `src/main.rs`.
pub fn crates() -> Vec<String> {
    let manifests =
        files("").into_iter().filter_map(|path| Some(path.strip_suffix("/Cargo.toml")?.to_owned()));
    manifests.filter(|folder| root().join(folder).join("src").is_dir()).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.expect("an entry of a folder");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().expect("the type of an entry").is_dir() {
            if !name.starts_with('.') && !GENERATED.contains(&name.as_str()) {
                collect(&entry.path(), found);
            }
        } else {
            found.push(entry.path());
        }
    }
}
