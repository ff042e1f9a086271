//! Sessions of the admin page, and the limit on failed log-ins.

use std::fmt;
use std::time::Duration;

use crate::Timestamp;
use crate::row::{InvalidRow, check_expiry};

/// One row of `admin_sessions`. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminSession {
    /// The id of the session; sealed in the cookie.
    pub session_id: String,
    /// The token that a request with effects must send beside the cookie.
    pub csrf_token: String,
    /// The SHA-256 of the admin key it was opened with: the session ends when that key changes.
    pub admin_key_hash: [u8; 32],
    /// The instant at which it was opened.
    pub created_at: Timestamp,
    /// The instant at which it ends.
    pub expires_at: Timestamp,
    /// True if it was ended before that instant.
    pub revoked: bool,
    /// The browser from which it was opened.
    pub user_agent: Option<String>,
    /// The address from which it was opened.
    pub source_ip: Option<String>,
}

impl AdminSession {
    /// Refuses a new session that could not be used at `now`.
    pub fn check_new(&self, now: Timestamp) -> Result<(), InvalidRow> {
        if self.revoked {
            return Err(InvalidRow::new("a new admin session cannot be revoked already"));
        }
        check_expiry("an admin session", self.expires_at, now)
    }

    /// Returns whether the session is valid at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires_at
    }
}

impl fmt::Debug for AdminSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AdminSession")
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("revoked", &self.revoked)
            .field("user_agent", &self.user_agent)
            .field("source_ip", &self.source_ip)
            .finish_non_exhaustive()
    }
}

/// The number of log-ins in a row that may fail before the next one has to wait.
pub const FREE_LOGIN_FAILURES: u32 = 5;
/// The first wait. Each further failure doubles it.
pub const FIRST_LOGIN_WAIT: Duration = Duration::from_mins(10);
/// The longest wait.
pub const LONGEST_LOGIN_WAIT: Duration = Duration::from_hours(24);

/// Returns the wait before the next attempt after `failures` in a row: `10 min × 2^(failures - 5)`, at most
/// 24 hours, and zero below five failures.
pub fn login_wait(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(FREE_LOGIN_FAILURES) else { return Duration::ZERO };
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    FIRST_LOGIN_WAIT.checked_mul(factor).map_or(LONGEST_LOGIN_WAIT, |wait| wait.min(LONGEST_LOGIN_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_wait_starts_at_the_fifth_failure_and_doubles_up_to_a_day() {
        let minutes: Vec<u64> =
            [0, 4, 5, 6, 7, 12, 13, u32::MAX].map(|n| login_wait(n).as_secs() / 60).into();
        assert_eq!(minutes, [0, 0, 10, 20, 40, 1280, 1440, 1440]);
    }

    #[test]
    fn debug_hides_secrets() {
        let session = AdminSession {
            session_id: "the-id".into(),
            csrf_token: "the-token".into(),
            admin_key_hash: [7; 32],
            created_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(1),
            revoked: false,
            user_agent: None,
            source_ip: None,
        };
        let printed = format!("{session:?}");
        assert!(!printed.contains("the-") && !printed.contains("7, 7"), "{printed}");
    }
}
