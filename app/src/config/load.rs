//! Loads the configuration from its sources.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::check::{layer_problems, nearest};
use super::environment::{environment_layers, value_of};
use super::file::{DEFAULT_FILE, file_layer};
use super::layer::merge;
use super::problem::excerpt;
use super::{Config, ConfigError, Layer, Origin, Problem, Shape, rule};

/// The sources of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file of `--config`, which must exist. `None` reads [`DEFAULT_FILE`] in `folder` if it exists.
    pub file: Option<PathBuf>,
    /// The folder of the default file.
    pub folder: PathBuf,
    /// The whole environment. Variables of other programs are ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// Flags: the name of the flag, the key that it sets (`server.address`), and its text.
    pub flags: Vec<(String, String, String)>,
}

/// A valid configuration, with warnings.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings, including defaults.
    pub config: Config,
    /// A sentence for each valid but questionable setting.
    pub warnings: Vec<String>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Reads, checks and merges `sources`. The error lists all problems.
pub fn load(sources: Sources) -> Result<Loaded, ConfigError> {
    let shape = Shape::of_config();
    let mut layers = Vec::new();
    let mut problems = Vec::new();

    let file = sources.file.or_else(|| default_file(&sources.folder));
    if let Some(path) = &file {
        collect(file_layer(path), &mut layers, &mut problems);
    }
    let (of_environment, wrong) = environment_layers(&shape, sources.environment);
    layers.extend(of_environment);
    problems.extend(wrong);
    for (flag, key, text) in sources.flags {
        collect(flag_layer(&shape, flag, &key, &text), &mut layers, &mut problems);
    }

    problems.extend(layers.iter().flat_map(|layer| layer_problems(&shape, layer)));
    let invalid = invalid_sections(&problems);
    let mut values = Value::Object(Map::new());
    for layer in layers {
        merge(&mut values, layer.values);
    }
    // Invalid sections are left out, so that the rules can still check the others.
    let values = without(values, &invalid);
    match serde_path_to_error::deserialize::<_, Config>(values) {
        Ok(config) => {
            problems.extend(rule::violations(&config, &invalid));
            if problems.is_empty() {
                let warnings = rule::warnings(&config);
                return Ok(Loaded { config, warnings, file });
            }
        }
        Err(error) => problems.push(Problem {
            path: error.path().to_string(),
            origin: None,
            message: error.inner().to_string(),
        }),
    }
    Err(ConfigError { problems })
}

fn collect<T>(result: Result<T, Problem>, good: &mut Vec<T>, bad: &mut Vec<Problem>) {
    match result {
        Ok(value) => good.push(value),
        Err(problem) => bad.push(problem),
    }
}

fn default_file(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(DEFAULT_FILE)).filter(|path| path.exists())
}

fn flag_layer(shape: &Shape, flag: String, key: &str, text: &str) -> Result<Layer, Problem> {
    let refuse = |path: String, message: String| {
        Err(Problem { path, origin: Some(Origin::Flag(flag.clone())), message })
    };
    let leaves = shape.leaves();
    let Some((path, leaf)) = leaves.iter().find(|(path, _)| path.join(".") == key) else {
        let names: Vec<String> = leaves.iter().map(|(path, _)| path.join(".")).collect();
        let hint = nearest(key, names.iter().map(String::as_str)).map_or_else(
            || "`miroir config schema` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return refuse(excerpt(key), format!("unknown key; {hint}"));
    };
    match value_of(leaf, text) {
        Ok(value) => Ok(Layer::of_key(Origin::Flag(flag), path, value)),
        Err(message) => refuse(path.join("."), message),
    }
}

/// Returns the top-level sections that have problems.
fn invalid_sections(problems: &[Problem]) -> BTreeSet<String> {
    let section = |path: &str| path.split(['.', '[']).next().map(str::to_owned);
    problems.iter().filter_map(|problem| section(&problem.path)).collect()
}

/// Returns the values without the invalid sections and without empty ones (`nodes:` alone), which mean the
/// default.
fn without(values: Value, invalid: &BTreeSet<String>) -> Value {
    let Value::Object(sections) = values else { return values };
    sections.into_iter().filter(|(key, value)| !value.is_null() && !invalid.contains(key)).collect()
}
