//! Hashes as rows, with a field for each column that is not null.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

use miroir_domain::Timestamp;
use miroir_ports::outbound::StoreError;
use redis::ScriptInvocation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::keys::Table;

/// The response to `HMGET`, in the order of the requested fields.
pub(crate) type Values = Vec<Option<Vec<u8>>>;

/// The columns of a row to write.
#[derive(Debug, Default, Clone)]
pub(crate) struct Columns(Vec<(&'static str, Vec<u8>)>);

impl Columns {
    /// Adds a column whose text can be parsed again.
    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.0.push((name, value.to_string().into_bytes()));
        self
    }

    /// Adds a column of bytes.
    pub(crate) fn bytes(mut self, name: &'static str, value: &[u8]) -> Self {
        self.0.push((name, value.to_vec()));
        self
    }

    /// Adds a column that may be null.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds an instant, as milliseconds since the epoch.
    pub(crate) fn time(self, name: &'static str, value: Timestamp) -> Self {
        self.with(name, value.as_millis())
    }

    /// Adds an instant that may be null.
    pub(crate) fn maybe_time(self, name: &'static str, value: Option<Timestamp>) -> Self {
        self.maybe(name, value.map(Timestamp::as_millis))
    }

    /// Adds a column of JSON.
    pub(crate) fn json(mut self, name: &'static str, value: &impl Serialize) -> Result<Self, StoreError> {
        self.0.push((name, to_json(value)?.into_bytes()));
        Ok(self)
    }

    /// Adds a column of JSON that may be null.
    pub(crate) fn maybe_json(
        self,
        name: &'static str,
        value: Option<&impl Serialize>,
    ) -> Result<Self, StoreError> {
        match value {
            Some(value) => self.json(name, value),
            None => Ok(self),
        }
    }

    /// Adds the number of arguments to a script, and then field and value of each column, as `lua/fields.lua`
    /// reads them.
    pub(crate) fn push_to(&self, script: &mut ScriptInvocation<'_>) {
        script.arg(self.0.len() * 2);
        for (name, value) in &self.0 {
            script.arg(*name).arg(value);
        }
    }
}

/// Encodes a value as the JSON text of a column.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::InvalidInput(format!("a value cannot be written as JSON: {error}")))
}

/// A reader of the columns of one row. A column that cannot be read is `Corrupt`, by table and key.
pub(crate) struct Reader<'a> {
    table: Table,
    key: &'a str,
    fields: &'static [&'static str],
    values: Values,
}

impl<'a> Reader<'a> {
    /// Returns a reader for a row of `table` under `key`, or `None` if no field exists, which means that
    /// there is no row.
    pub(crate) fn of(
        table: Table,
        key: &'a str,
        fields: &'static [&'static str],
        values: Values,
    ) -> Result<Option<Self>, StoreError> {
        if values.len() != fields.len() {
            return Err(StoreError::corrupt(
                table.name,
                key,
                "the response has another length than the request",
            ));
        }
        if values.iter().all(Option::is_none) {
            return Ok(None);
        }
        Ok(Some(Self { table, key, fields, values }))
    }

    /// Returns the bytes of a column, or `None` for null.
    pub(crate) fn bytes(&self, field: &'static str) -> Option<&[u8]> {
        let place = self.fields.iter().position(|name| *name == field);
        debug_assert!(place.is_some(), "`{field}` was not requested");
        self.values.get(place?)?.as_deref()
    }

    /// Reads a column as text. Returns `None` for null.
    pub(crate) fn text(&self, field: &'static str) -> Result<Option<&str>, StoreError> {
        let Some(bytes) = self.bytes(field) else { return Ok(None) };
        std::str::from_utf8(bytes).map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// Reads text that every row has.
    pub(crate) fn text_always(&self, field: &'static str) -> Result<String, StoreError> {
        Ok(self.text(field)?.ok_or_else(|| self.missing(field))?.to_owned())
    }

    /// Reads a column that its type parses. Returns `None` for null.
    pub(crate) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        field: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// Reads a column that its type parses and that every row has.
    pub(crate) fn parsed_always<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        field: &'static str,
    ) -> Result<T, StoreError> {
        self.parsed(field)?.ok_or_else(|| self.missing(field))
    }

    /// Reads an instant. Returns `None` for null.
    pub(crate) fn time(&self, field: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.parsed(field)?.map(Timestamp::from_millis))
    }

    /// Reads an instant that every row has.
    pub(crate) fn time_always(&self, field: &'static str) -> Result<Timestamp, StoreError> {
        self.parsed_always(field).map(Timestamp::from_millis)
    }

    /// Reads a column of JSON. Returns `None` for null.
    pub(crate) fn json<T: DeserializeOwned>(&self, field: &'static str) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.bytes(field) else { return Ok(None) };
        serde_json::from_slice(bytes).map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// Reads a column of JSON that every row has.
    pub(crate) fn json_always<T: DeserializeOwned>(&self, field: &'static str) -> Result<T, StoreError> {
        self.json(field)?.ok_or_else(|| self.missing(field))
    }

    /// Reads text that serde checks, such as a primary key.
    pub(crate) fn checked<T: DeserializeOwned>(&self, field: &'static str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let value = Value::String(text.to_owned());
        serde_json::from_value(value).map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// Reads a hash of 32 bytes.
    pub(crate) fn hash(&self, field: &'static str) -> Result<[u8; 32], StoreError> {
        let bytes = self.bytes(field).ok_or_else(|| self.missing(field))?;
        bytes.try_into().map_err(|_| self.corrupt(format!("field `{field}` is not 32 bytes long")))
    }

    fn missing(&self, field: &str) -> StoreError {
        self.corrupt(format!("field `{field}` is missing"))
    }

    fn undecodable(&self, field: &str, error: impl Error + Send + Sync + 'static) -> StoreError {
        self.corrupt(format!("field `{field}` cannot be decoded")).with_source(error)
    }

    /// Returns the error of this row.
    pub(crate) fn corrupt(&self, reason: String) -> StoreError {
        StoreError::corrupt(self.table.name, self.key, reason)
    }
}
