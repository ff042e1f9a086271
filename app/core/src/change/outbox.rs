//! Reads a bounded page of the outbox.

use miroir_domain::IndexUid;
use miroir_ports::outbound::{ChangePage, StoreError, TaskStore};

/// The maximum number of events read in one store call. An event with documents can have a quarter of a
/// megabyte.
const MAX_EVENTS: u32 = 32;
/// The maximum size of the events of a page, unless a single one is larger.
const MAX_BYTES: usize = 1024 * 1024;

/// Returns the first events of a sink and index after `after`: at most `limit`, and at most [`MAX_BYTES`] of
/// them.
pub(super) async fn read(
    store: &dyn TaskStore,
    sink: &str,
    index: &IndexUid,
    after: u64,
    limit: u32,
) -> Result<ChangePage, StoreError> {
    let mut page = store.change_peek(sink, index, after, limit.min(MAX_EVENTS)).await?;
    let mut budget = truncate(&mut page, MAX_BYTES, 1);
    while let Some(left) = budget
        && let Some(last) = page.changes.last()
        && let missing @ 1.. = limit.saturating_sub(u32::try_from(page.changes.len()).unwrap_or(limit))
    {
        let seq = last.seq;
        let mut more = store.change_peek(sink, index, seq, missing.min(MAX_EVENTS)).await?;
        // Events that do not follow were dropped meanwhile. The next page begins after the gap.
        if more.changes.first().is_none_or(|next| next.seq != seq + 1) {
            break;
        }
        budget = truncate(&mut more, left, 0);
        page.changes.extend(more.changes);
    }
    Ok(page)
}

/// Removes the events that exceed `budget` bytes, but never the first `minimum` events. Returns the remaining
/// budget, or `None` if it is used up.
fn truncate(page: &mut ChangePage, budget: usize, minimum: usize) -> Option<usize> {
    let mut left = budget;
    for (number, change) in page.changes.iter().enumerate() {
        let bytes = change.body.to_string().len();
        if bytes > left {
            page.changes.truncate(number.max(minimum));
            return None;
        }
        left -= bytes;
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use miroir_memory::MemoryStore;
    use miroir_ports::outbound::{ChangeOutbox as _, NewChange};
    use serde_json::Value;

    use super::*;

    /// Returns the number of events on the first page, if events have these sizes in bytes.
    async fn page_length(sizes: &[usize], limit: u32) -> usize {
        let (store, index) = (MemoryStore::new(), "films".parse::<IndexUid>().unwrap());
        let event = |size: &usize| NewChange {
            sink_name: "s".to_owned(),
            index_uid: index.clone(),
            // The quotes around the text are two bytes.
            body: Value::String("x".repeat(size - 2)),
        };
        store.change_append(sizes.iter().map(event).collect(), u64::MAX).await.unwrap();
        let page = read(&store, "s", &index, 0, limit).await.unwrap();
        let numbers: Vec<u64> = page.changes.iter().map(|change| change.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        numbers.len()
    }

    #[tokio::test]
    async fn page_is_bounded_by_number_and_bytes_but_never_empty() {
        assert_eq!(page_length(&[10; 100], 70).await, 70);
        assert_eq!(page_length(&[10; 100], 1_000).await, 100);
        assert_eq!(page_length(&[MAX_BYTES / 4; 10], 1_000).await, 4);
        assert_eq!(page_length(&[MAX_BYTES / 40; 100], 1_000).await, 40);
        assert_eq!(page_length(&[2 * MAX_BYTES, 10], 1_000).await, 1);
        assert_eq!(page_length(&[10, 2 * MAX_BYTES], 1_000).await, 1);
        let late = [[10; 32].as_slice(), &[2 * MAX_BYTES]].concat();
        assert_eq!(page_length(&late, 1_000).await, 32);
    }
}
