//! Operations of the tables whose rows have a name and an index.

use miroir_domain::row::next_version;
use miroir_ports::outbound::{Advance, Create, Put, StoreError};
use redis::{Cmd, ScriptInvocation, cmd};

use crate::call::{changing, script};
use crate::keys::Table;
use crate::row::{Columns, Reader, Values};
use crate::store::RedisStore;

/// A row that is a hash of its own, and whose name is in the index of its table.
pub(crate) trait Row: Sized {
    const TABLE: Table;
    /// The fields of its hash, in the order in which they are requested.
    const FIELDS: &'static [&'static str];

    /// Returns the name of the row.
    fn name(&self) -> String;
    /// Returns the columns, without the version.
    fn columns(&self) -> Result<Columns, StoreError>;
    /// Decodes the row.
    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError>;
}

/// A row that counts its changes, in the field `version`.
pub(crate) trait Versioned: Row {
    fn version(&self) -> u64;
}

/// The greatest number of rows that one script reads, so that no call blocks the server for long.
pub(crate) const CHUNK: u32 = 1_000;

impl RedisStore {
    /// Stores a row unless its name is taken.
    pub(crate) async fn row_create<R: Versioned>(&self, row: &R) -> Result<Create, StoreError> {
        let name = row.name();
        let mut script = changing!("lua/row_create.lua");
        script.key(self.keys.row(R::TABLE, &name)).key(self.keys.own(R::TABLE, "_index")).arg(&name);
        row.columns()?.with("version", row.version()).push_to(&mut script);
        let created: bool = self.change_by(R::TABLE, &name, &mut script).await?;
        Ok(if created { Create::Created } else { Create::Exists })
    }

    /// Returns the row of `name`, if there is one.
    pub(crate) async fn row_get<R: Row>(&self, name: &str) -> Result<Option<R>, StoreError> {
        let values =
            self.read(R::TABLE.name, name, &fields_of(&self.keys.row(R::TABLE, name), R::FIELDS)).await?;
        decode(name, values)
    }

    /// Replaces the stored rows of `rows`, all or none, if each has the same version as its replacement.
    pub(crate) async fn row_put<R: Versioned>(&self, rows: &[&R]) -> Result<Put, StoreError> {
        let mut script = changing!("lua/fields.lua", "lua/row_put.lua");
        let mut names = Vec::new();
        let mut overflow = Ok(0);
        for row in rows {
            let name = row.name();
            // A conflict is returned even if the version cannot be raised. Only without a conflict is such a
            // row refused.
            let next = next_version(row.version());
            let raised = next.as_ref().copied().unwrap_or_default();
            overflow = overflow.and(next);
            script.key(self.keys.row(R::TABLE, &name)).arg(row.version());
            row.columns()?.with("version", raised).push_to(&mut script);
            names.push(name);
        }
        let dry = overflow.is_err();
        script.arg(i32::from(dry));
        let stored: bool = self.change_by(R::TABLE, &names.join(", "), &mut script).await?;
        if !stored {
            return Ok(Put::Conflict);
        }
        Ok(overflow.map(|_| Put::Stored)?)
    }

    /// Stores or replaces a row.
    pub(crate) async fn row_upsert<R: Row>(&self, row: &R) -> Result<(), StoreError> {
        let name = row.name();
        let mut script = changing!("lua/row_upsert.lua");
        script.key(self.keys.row(R::TABLE, &name)).key(self.keys.own(R::TABLE, "_index")).arg(&name);
        row.columns()?.push_to(&mut script);
        self.change_by(R::TABLE, &name, &mut script).await
    }

    /// Removes the row of `name`. Returns false if there was none.
    pub(crate) async fn row_delete<R: Row>(&self, name: &str) -> Result<bool, StoreError> {
        let mut script = changing!("lua/row_delete.lua");
        script.key(self.keys.row(R::TABLE, name)).key(self.keys.own(R::TABLE, "_index")).arg(name);
        self.change_by(R::TABLE, name, &mut script).await
    }

    /// Returns up to `limit` rows after the name `after`, in the byte order of their names.
    pub(crate) async fn row_list<R: Row>(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<R>, StoreError> {
        let (index, base) = (self.keys.own(R::TABLE, "_index"), self.keys.base(R::TABLE));
        self.indexed_rows(&index, &base, "", after, limit).await
    }

    /// Returns up to `limit` rows in `index` after the name `after`. The key of a row is `base`, its name,
    /// and `suffix`.
    pub(crate) async fn indexed_rows<R: Row>(
        &self,
        index: &str,
        base: &str,
        suffix: &str,
        mut after: Option<String>,
        limit: u32,
    ) -> Result<Vec<R>, StoreError> {
        let mut rows = Vec::new();
        loop {
            let wanted = CHUNK.min(limit - u32::try_from(rows.len()).unwrap_or(limit));
            if wanted == 0 {
                return Ok(rows);
            }
            let start = after.as_ref().map_or_else(|| "-".to_owned(), |name| format!("({name}"));
            let mut script = script!("lua/name.lua", "lua/row_list.lua");
            script.key(index).key(base).arg(suffix).arg(start).arg(wanted).arg(R::FIELDS);
            let (names, found): (Vec<Vec<u8>>, Vec<Values>) =
                self.read_by(R::TABLE.name, index, &script).await?;
            let last_page = names.len() < wanted as usize;
            for (name, values) in names.into_iter().zip(found) {
                let name = String::from_utf8(name).map_err(|error| {
                    StoreError::corrupt(R::TABLE.name, index, "a name in the index is not UTF-8")
                        .with_source(error)
                })?;
                rows.extend(decode::<R>(&name, values)?);
                after = Some(name);
            }
            if last_page {
                return Ok(rows);
            }
        }
    }
}

impl RedisStore {
    /// Runs a script with `advance.lua`.
    pub(crate) async fn advance(
        &self,
        table: Table,
        name: &str,
        script: &mut ScriptInvocation<'_>,
    ) -> Result<Advance, StoreError> {
        let held: Option<String> = self.change_by(table, name, script).await?;
        let Some(held) = held else { return Ok(Advance::Advanced) };
        let held = held.parse::<u64>().map_err(|error| {
            StoreError::corrupt(table.name, name, "the number that advances cannot be decoded")
                .with_source(error)
        })?;
        Ok(Advance::Behind(held))
    }
}

/// Returns the command that reads the fields of one row.
pub(crate) fn fields_of(key: &str, fields: &[&str]) -> Cmd {
    let mut command = cmd("HMGET");
    command.arg(key).arg(fields);
    command
}

/// Decodes the values that were read under `name`. Returns `None` if there is no row.
pub(crate) fn decode<R: Row>(name: &str, values: Values) -> Result<Option<R>, StoreError> {
    Reader::of(R::TABLE, name, R::FIELDS, values)?.map(|reader| R::decode(&reader)).transpose()
}
