//! Table 5, `idempotency_cache`.

use async_trait::async_trait;
use miroir_domain::{TaskUid, Timestamp};

use super::error::StoreError;

/// The request to be the only one that runs under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The key, scoped to the client that sent it.
    pub key: String,
    /// The hash of the body.
    pub body_sha256: [u8; 32],
    /// The unique name of this attempt, by which later calls prove that they belong to it.
    pub owner: String,
    /// The instant from which another attempt may reserve the key.
    pub expires_at: Timestamp,
}

/// The outcome of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserve {
    /// The key is reserved for the caller.
    Reserved,
    /// An earlier request with the same body is being carried out.
    InProgress {
        /// The end of its reservation.
        expires_at: Timestamp,
    },
    /// An earlier request with the same body created this task.
    Completed(TaskUid),
    /// The key was used with another body.
    Mismatch,
}

/// Requests by idempotency key.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdempotencyTable: Send + Sync + 'static {
    /// Reserves the key, or returns the state of the reservation that it meets.
    ///
    /// - **IDEMP-1** Of any number of concurrent callers, exactly one MUST receive [`Reserve::Reserved`].
    /// - **IDEMP-2** A row with `expires_at <= now` MUST count as absent, whatever it holds: the caller takes
    ///   the key over.
    /// - **IDEMP-3** If the row counts, bodies MUST be compared before anything else about it is returned.
    /// - **IDEMP-4** A reservation whose `expires_at` is not after `now` is `InvalidInput`.
    async fn idempotency_reserve(
        &self,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Reserve, StoreError>;

    /// Records the task that the request created, and keeps it until `expires_at`. Returns false if the key
    /// is not reserved by `owner`, or no longer.
    ///
    /// - **IDEMP-5** If another owner took the key over, or the reservation has expired at `now`, it MUST
    ///   change nothing. Repeated with the same owner and task it MUST return true.
    async fn idempotency_complete(
        &self,
        key: &str,
        owner: &str,
        task: TaskUid,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Releases a reserved key, because the request was refused and created nothing. Returns false if the key
    /// is not reserved by `owner`.
    ///
    /// - **IDEMP-6** A completed row MUST stay.
    async fn idempotency_release(&self, key: &str, owner: &str) -> Result<bool, StoreError>;

    /// Removes up to `limit` rows that have expired at `now` and returns their number.
    ///
    /// - **IDEMP-7** Rows that have not expired MUST stay.
    async fn idempotency_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
