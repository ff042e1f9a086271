//! The refusal of a node, in the words of clients.

use miroir_domain::error::ResponseError;
use miroir_domain::index::IndexEntry;
use miroir_ports::inbound::ApiError;

/// Returns the refusal of a node, which names the index as clients do.
pub(super) fn refused(entry: &IndexEntry, status: u16, error: ResponseError) -> ApiError {
    ApiError::Node { status, error: entry.physical_uid.renamed_in_error(error, &entry.uid) }
}
