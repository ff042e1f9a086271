//! Reads a bounded piece of the outbox.

use miroir_domain::IndexUid;
use miroir_ports::outbound::{ChangePage, StoreError, TaskStore};

/// Events read in one call: with bodies each may be a quarter of a megabyte.
const STEP: u32 = 32;
/// The most text of events that is put together in one piece, unless a single one is longer.
const MAX_BYTES: usize = 1024 * 1024;

/// The first events of a sink and index after `after`: at most `limit`, and about a megabyte.
pub(super) async fn read(
    store: &dyn TaskStore,
    sink: &str,
    index: &IndexUid,
    after: u64,
    limit: u32,
) -> Result<ChangePage, StoreError> {
    let mut piece = store.change_peek(sink, index, after, limit.min(STEP)).await?;
    let mut bytes: usize = piece.changes.iter().map(|change| change.body.to_string().len()).sum();
    while let Some(last) = piece.changes.last()
        && bytes < MAX_BYTES
        && let missing @ 1.. = limit.saturating_sub(u32::try_from(piece.changes.len()).unwrap_or(limit))
    {
        let seq = last.seq;
        let more = store.change_peek(sink, index, seq, missing.min(STEP)).await?;
        // What does not follow was dropped meanwhile: the next piece begins behind the gap.
        if more.changes.first().is_none_or(|next| next.seq != seq + 1) {
            break;
        }
        bytes += more.changes.iter().map(|change| change.body.to_string().len()).sum::<usize>();
        piece.changes.extend(more.changes);
    }
    Ok(piece)
}
