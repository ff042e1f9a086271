//! Hashes as rows: a field for each column, absent where the column is null.

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

/// What a server answers to `HMGET`, in the order of the fields asked for.
pub(crate) type Values = Vec<Option<Vec<u8>>>;

/// The columns of a row on its way to the server.
#[derive(Debug, Default, Clone)]
pub(crate) struct Columns(Vec<(&'static str, Vec<u8>)>);

impl Columns {
    /// A column that prints as it is read.
    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.0.push((name, value.to_string().into_bytes()));
        self
    }

    /// A column of bytes.
    pub(crate) fn bytes(mut self, name: &'static str, value: &[u8]) -> Self {
        self.0.push((name, value.to_vec()));
        self
    }

    /// A column that may be null.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// An instant, as milliseconds since the epoch.
    pub(crate) fn time(self, name: &'static str, value: Timestamp) -> Self {
        self.with(name, value.as_millis())
    }

    /// An instant that may be null.
    pub(crate) fn maybe_time(self, name: &'static str, value: Option<Timestamp>) -> Self {
        self.maybe(name, value.map(Timestamp::as_millis))
    }

    /// A column of JSON.
    pub(crate) fn json(mut self, name: &'static str, value: &impl Serialize) -> Result<Self, StoreError> {
        self.0.push((name, to_json(value)?.into_bytes()));
        Ok(self)
    }

    /// A column of JSON that may be null.
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

    /// Adds how many arguments they make, and then field and value of each, as `lua/fields.lua` reads them.
    pub(crate) fn push_to(&self, script: &mut ScriptInvocation<'_>) {
        script.arg(self.0.len() * 2);
        for (name, value) in &self.0 {
            script.arg(*name).arg(value);
        }
    }
}

/// A value as the JSON text of a column.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::InvalidInput(format!("a value cannot be written as JSON: {error}")))
}

/// Reads the columns of one row; whatever is wrong with one is `Corrupt`, by table and key.
pub(crate) struct Reader<'a> {
    table: Table,
    key: &'a str,
    fields: &'static [&'static str],
    values: Values,
}

impl<'a> Reader<'a> {
    /// A row of `table` under `key`; none when no field is there, which is to say that there is no row.
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

    /// The bytes of a column; none where it is null.
    pub(crate) fn bytes(&self, field: &'static str) -> Option<&[u8]> {
        let place = self.fields.iter().position(|name| *name == field);
        debug_assert!(place.is_some(), "`{field}` was not asked for");
        self.values.get(place?)?.as_deref()
    }

    /// A column as text; none where it is null.
    pub(crate) fn text(&self, field: &'static str) -> Result<Option<&str>, StoreError> {
        let Some(bytes) = self.bytes(field) else { return Ok(None) };
        std::str::from_utf8(bytes).map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// Text that every row has.
    pub(crate) fn text_always(&self, field: &'static str) -> Result<String, StoreError> {
        Ok(self.text(field)?.ok_or_else(|| self.missing(field))?.to_owned())
    }

    /// A column that its type can read.
    pub(crate) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        field: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// A column of that sort that every row has.
    pub(crate) fn parsed_always<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        field: &'static str,
    ) -> Result<T, StoreError> {
        self.parsed(field)?.ok_or_else(|| self.missing(field))
    }

    /// An instant; none where it is null.
    pub(crate) fn time(&self, field: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.parsed(field)?.map(Timestamp::from_millis))
    }

    /// An instant that every row has.
    pub(crate) fn time_always(&self, field: &'static str) -> Result<Timestamp, StoreError> {
        self.parsed_always(field).map(Timestamp::from_millis)
    }

    /// A column of JSON; none where it is null.
    pub(crate) fn json<T: DeserializeOwned>(&self, field: &'static str) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.bytes(field) else { return Ok(None) };
        serde_json::from_slice(bytes).map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// A column of JSON that every row has.
    pub(crate) fn json_always<T: DeserializeOwned>(&self, field: &'static str) -> Result<T, StoreError> {
        self.json(field)?.ok_or_else(|| self.missing(field))
    }

    /// Text that serde checks, such as a primary key.
    pub(crate) fn checked<T: DeserializeOwned>(&self, field: &'static str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let value = Value::String(text.to_owned());
        serde_json::from_value(value).map(Some).map_err(|error| self.undecodable(field, error))
    }

    /// The thirty-two bytes of a hash.
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
