//! Refusals of reads, in the words of clients.

use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_domain::index::IndexEntry;
use miroir_ports::error_chain;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::NodeError;

/// Returns the refusal of a node, which names the index as clients do.
pub(super) fn refused(entry: &IndexEntry, status: u16, error: ResponseError) -> ApiError {
    ApiError::Node { status, error: entry.physical_uid.renamed_in_error(error, &entry.uid) }
}

/// Returns the reason for which a node did not respond, which names the index as clients do.
pub(super) fn reason(entry: &IndexEntry, error: &NodeError) -> String {
    entry.physical_uid.renamed_in(&error_chain(error), &entry.uid)
}

/// Returns the refusal of a read because a response of a node is longer than `max_bytes`. That of another
/// replica would be as long.
pub(super) fn too_long(max_bytes: usize) -> ApiError {
    let message = format!(
        "The response of a node to this request is longer than {max_bytes} bytes: request fewer documents at once, \
         or fewer of their attributes."
    );
    ApiError::refused(ErrorCode::BadRequest, message)
}
