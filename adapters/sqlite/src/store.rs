//! The store: one writer, a pool of readers, and the file they share.

use std::path::Path;
use std::sync::Arc;

use miroir_ports::outbound::StoreError;
use rusqlite::Connection;

use crate::error::Failure;
use crate::fence::FenceCell;
use crate::notifier::RevocationNotifier;
use crate::open::{open_for_writing, wal_bytes};
use crate::options::SqliteOptions;
use crate::reader::Readers;
use crate::writer::Writer;

/// A task store in one SQLite file. `store_close` closes it. A store that is dropped finishes the changes
/// that it accepted on its own thread.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) path: Arc<Path>,
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) revoked: RevocationNotifier,
    pub(crate) fence: FenceCell,
}

/// Numbers for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteStats {
    /// The number of transactions that were committed since the store was opened.
    pub groups: u64,
    /// The number of changes in those transactions. `operations / groups` is the average size of a group.
    pub operations: u64,
    /// The size of the write-ahead log on disk.
    pub wal_bytes: u64,
}

impl SqliteStore {
    /// Opens the store at `options.path`, creates its file and directory if they are missing, and migrates it
    /// to [`SCHEMA_VERSION`](crate::SCHEMA_VERSION).
    ///
    /// A file that is not a store of Miroir, or is damaged, is `InvalidInput`. A file written by a newer
    /// Miroir is `SchemaAhead`. A file that cannot be opened or written is `Unavailable`. In each case
    /// nothing was changed.
    pub async fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&options)).await;
        opened.unwrap_or_else(|failed| {
            Err(StoreError::not_applied("opening the SQLite store was interrupted").with_source(failed))
        })
    }

    fn open_blocking(options: &SqliteOptions) -> Result<Self, StoreError> {
        let connection = open_for_writing(options)?;
        let readers = Readers::new(options)?;
        let writer = Writer::start(connection, options)?;
        Ok(Self {
            path: options.path.as_path().into(),
            writer,
            readers,
            revoked: RevocationNotifier::default(),
            fence: FenceCell::default(),
        })
    }

    /// Returns the numbers for operators.
    pub fn stats(&self) -> SqliteStats {
        let (groups, operations) = self.writer.committed();
        SqliteStats { groups, operations, wal_bytes: wal_bytes(&self.path) }
    }

    /// Runs `operation` on the writer and waits until it is on disk. It may run more than once, each time on
    /// the state before it, so it must not consume what it captured.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let fence = self.fence.get();
        self.writer
            .call(move |connection| {
                if let Some(fence) = &fence {
                    fence.check(connection)?;
                }
                operation(connection)
            })
            .await
    }

    /// Runs `operation` on a connection that only reads.
    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.readers.call(operation).await
    }
}
