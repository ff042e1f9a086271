//! The JSON schema of the configuration.

use schemars::Schema;
use schemars::generate::SchemaSettings;

use super::Config;

/// Returns the JSON schema (draft 2020-12) of the configuration file.
pub fn json_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>()
}
