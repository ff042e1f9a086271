//! Table 5, `idempotency_cache`.

use async_trait::async_trait;
use miroir_domain::{TaskUid, Timestamp};

use super::error::StoreError;

/// A request that wants to be the one that is carried out under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The key, scoped to whoever sent it.
    pub key: String,
    /// What was sent.
    pub body_sha256: [u8; 32],
    /// Names this attempt, and no other: later calls prove with it that they are of this attempt.
    pub owner: String,
    /// Until when the attempt may take; from then on another may reserve the key.
    pub expires_at: Timestamp,
}

/// What became of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserve {
    /// The key is the caller's.
    Reserved,
    /// An earlier request with the same body is being carried out, until then at most.
    InProgress {
        /// When its reservation ends.
        expires_at: Timestamp,
    },
    /// An earlier request with the same body was answered with this task.
    Completed(TaskUid),
    /// The key was used with another body.
    Mismatch,
}

/// Requests by idempotency key.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdempotencyTable: Send + Sync + 'static {
    /// Takes the key, or says what stands in the way.
    ///
    /// - **IDEMP-1** Of any number of callers at once, one MUST be answered [`Reserve::Reserved`].
    /// - **IDEMP-2** A row with `expires_at <= now` MUST count as none, whatever it holds: the caller takes the key over.
    /// - **IDEMP-3** Bodies MUST be compared before anything else is said of a row that counts.
    /// - **IDEMP-4** A reservation whose `expires_at` is not after `now` is `InvalidInput`.
    async fn idempotency_reserve(
        &self,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Reserve, StoreError>;

    /// Records the task that answered the request, and keeps it until `expires_at`; false when the key is not, or no longer,
    /// reserved by `owner`.
    ///
    /// - **IDEMP-5** It MUST change nothing when another owner took the key over, and nothing when the reservation
    ///   has expired at `now`. Repeated with the same owner and task it MUST answer true.
    async fn idempotency_complete(
        &self,
        key: &str,
        owner: &str,
        task: TaskUid,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives a reserved key back, because the request was refused and made nothing; false when it is not reserved by
    /// `owner`.
    ///
    /// - **IDEMP-6** A completed row MUST stay.
    async fn idempotency_release(&self, key: &str, owner: &str) -> Result<bool, StoreError>;

    /// Removes up to `limit` rows that have expired at `now`; answers how many.
    ///
    /// - **IDEMP-7** Rows that have not expired MUST stay.
    async fn idempotency_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
