//! The refusal of a position without events.

use miroir_domain::IndexUid;
use miroir_domain::change::InvalidPosition;
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::ApiError;

/// Returns the refusal of a reader or a sink that cannot begin after `since`.
pub(super) fn out_of_reach(index: &IndexUid, since: u64, reason: InvalidPosition) -> ApiError {
    let (code, problem) = match reason {
        InvalidPosition::Trimmed { .. } => {
            (ErrorCode::MiroirChangesTrimmed, format!("Changes of index `{index}` after {since} are gone"))
        }
        InvalidPosition::OtherEpoch { .. } => (
            ErrorCode::MiroirInvalidChangePosition,
            format!("Change {since} of index `{index}` is of an earlier epoch"),
        ),
        InvalidPosition::Ahead { .. } => {
            (ErrorCode::MiroirInvalidChangePosition, format!("Index `{index}` has had no change {since} yet"))
        }
    };
    ApiError::refused(code, format!("{problem}: {reason}."))
}
