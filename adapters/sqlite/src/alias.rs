//! Table 3, `aliases`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::{Alias, AliasTarget};
use miroir_ports::outbound::{AliasTable, Create, Put, StoreError};
use rusqlite::{Connection, Row, named_params};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader, key_text, to_json};
use crate::statement::{all, change, one, replace};

// The columns of `alias_get.sql` and `alias_list.sql`.
const NAME: Column = Column(0, "name");
const CURRENT_UID: Column = Column(1, "current_uid");
const TARGET_UIDS: Column = Column(2, "target_uids");
const VERSION: Column = Column(3, "version");
const CREATED_AT: Column = Column(4, "created_at");
const HISTORY: Column = Column(5, "history");

#[async_trait]
impl AliasTable for SqliteStore {
    async fn alias_create(&self, alias: &Alias) -> Result<Create, StoreError> {
        let alias = alias.clone();
        self.write(move |connection| {
            let created = write(connection, &alias, alias.version, include_str!("sql/alias_insert.sql"))?;
            Ok(if created > 0 { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn alias_get(&self, name: &IndexUid) -> Result<Option<Alias>, StoreError> {
        let name = name.clone();
        self.read(move |connection| get(connection, &name)).await
    }

    async fn alias_put(&self, alias: &Alias) -> Result<Put, StoreError> {
        let alias = alias.clone();
        self.write(move |connection| put(connection, &alias)).await
    }

    async fn alias_put_both(&self, first: &Alias, second: &Alias) -> Result<Put, StoreError> {
        first.check_swap(second)?;
        let (first, second) = (first.clone(), second.clone());
        self.write(move |connection| {
            // Looked at before anything is written: a conflict is no failure, so nothing would be rolled back.
            for alias in [&first, &second] {
                if get(connection, &alias.name)?.map(|row| row.version) != Some(alias.version) {
                    return Ok(Put::Conflict);
                }
            }
            put(connection, &first)?;
            put(connection, &second)
        })
        .await
    }

    async fn alias_delete(&self, name: &IndexUid) -> Result<bool, StoreError> {
        let name = name.clone();
        self.write(move |connection| {
            Ok(change(connection, include_str!("sql/alias_delete.sql"), [name.as_str()])? > 0)
        })
        .await
    }

    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<Alias>, StoreError> {
        self.read(move |connection| {
            let after = after.as_ref().map(IndexUid::as_str);
            all(connection, include_str!("sql/alias_list.sql"), (after.unwrap_or(""), after, limit), decode)
        })
        .await
    }
}

fn get(connection: &Connection, name: &IndexUid) -> Result<Option<Alias>, Failure> {
    one(connection, include_str!("sql/alias_get.sql"), [name.as_str()], decode)
}

fn put(connection: &Connection, alias: &Alias) -> Result<Put, Failure> {
    let found = get(connection, &alias.name)?.map(|row| row.version);
    replace(found, alias.version, |version| {
        write(connection, alias, version, include_str!("sql/alias_update.sql"))?;
        Ok(())
    })
}

fn write(connection: &Connection, alias: &Alias, version: u64, sql: &str) -> Result<u64, Failure> {
    let (kind, current, targets) = match &alias.target {
        AliasTarget::Single(uid) => ("single", Some(uid.as_str()), None),
        AliasTarget::Multi(uids) => ("multi", None, Some(to_json(uids)?)),
    };
    let params = named_params! {
        ":name": alias.name.as_str(),
        ":kind": kind,
        ":current_uid": current,
        ":target_uids": targets,
        ":version": version.cast_signed(),
        ":created_at": alias.created_at.as_millis(),
        ":history": to_json(&alias.history)?,
    };
    change(connection, sql, params)
}

fn decode(row: &Row<'_>) -> Result<Alias, Failure> {
    let key = key_text(row, NAME)?;
    let reader = Reader { table: "aliases", key: &key, row };
    let target = match reader.name(CURRENT_UID)? {
        Some(uid) => AliasTarget::Single(uid),
        None => AliasTarget::Multi(reader.json_always(TARGET_UIDS)?),
    };
    Ok(Alias {
        name: reader.name_always(NAME)?,
        target,
        version: reader.counter(VERSION)?,
        created_at: reader.time_always(CREATED_AT)?,
        history: reader.json_always(HISTORY)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_stand_where_the_statements_have_them() {
        let columns = [NAME, CURRENT_UID, TARGET_UIDS, VERSION, CREATED_AT, HISTORY];
        assert_columns(include_str!("sql/alias_get.sql"), &columns);
        assert_columns(include_str!("sql/alias_list.sql"), &columns);
    }
}
