//! The check of a filter against the settings of an index.

use super::expression::Filter;
use super::print::print;
use crate::error::ApiError;
use crate::json::quoted;
use crate::settings::Settings;

impl Filter {
    /// Refuses attributes that may not be filtered. The message quotes the filter as the engine rewrote it
    /// for searches, and as the client wrote it for other routes.
    pub(crate) fn check(&self, settings: &Settings, code: &str) -> Result<(), ApiError> {
        let attributes = self.attributes();
        let position = attributes.iter().position(|attribute| !settings.is_filterable(&attribute.name));
        let Some(position) = position else { return Ok(()) };
        let bad = attributes[position];
        let patterns = settings.filterable_patterns();
        let advice = if patterns.is_empty() {
            "This index does not have configured filterable attributes.".to_owned()
        } else {
            format!("Available filterable attribute patterns are: {}.", quoted(&patterns))
        };
        let (column, text) = if code == "invalid_search_filter" {
            let (text, columns) = print(self);
            (columns.get(position).copied().unwrap_or(1), text)
        } else {
            (bad.column, bad.source.clone())
        };
        let end = column + bad.name.chars().count();
        let message = format!("Attribute `{}` is not filterable. {advice}\n{column}:{end} {text}", bad.name);
        Err(ApiError::invalid(code, message))
    }
}
