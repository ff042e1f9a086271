//! Reads listings of the store page by page.
//!
//! The functions take a listing as a closure. Its arguments are the key after which a page begins and the
//! maximum number of rows.

use miroir_domain::index::IndexEntry;
use miroir_domain::replica::ReplicaRow;
use miroir_ports::outbound::{StoreError, TaskStore};

/// The number of rows read in one store call.
const ROWS: u32 = 500;

/// Returns every row of a listing, in its order.
pub async fn all<R, K, F>(
    mut list: impl FnMut(Option<K>, u32) -> F,
    key: impl Fn(&R) -> K,
) -> Result<Vec<R>, StoreError>
where
    F: Future<Output = Result<Vec<R>, StoreError>>,
{
    let mut rows: Vec<R> = Vec::new();
    loop {
        let page = list(rows.last().map(&key), ROWS).await?;
        let is_last = page.len() < ROWS as usize;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

/// Returns all entries of the index registry, by uid.
pub async fn indexes(store: &dyn TaskStore) -> Result<Vec<IndexEntry>, StoreError> {
    all(|after, limit| store.index_list(after, limit), |entry: &IndexEntry| entry.uid.clone()).await
}

/// Returns the rows of all replicas that are not in sync, by index and node.
pub async fn replicas(store: &dyn TaskStore) -> Result<Vec<ReplicaRow>, StoreError> {
    let key = |row: &ReplicaRow| (row.index.clone(), row.node.clone());
    all(|after, limit| store.replica_list(after, limit), key).await
}

/// Returns at most `limit` rows after `after`, and the key after which the next page begins, if there is one.
pub async fn page<R, K, F>(
    list: impl FnOnce(Option<K>, u32) -> F,
    key: impl Fn(&R) -> K,
    after: Option<K>,
    limit: u32,
) -> Result<(Vec<R>, Option<K>), StoreError>
where
    F: Future<Output = Result<Vec<R>, StoreError>>,
{
    // One row more than the page has shows whether another page follows.
    let mut rows = list(after, limit.saturating_add(1)).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| has_more).map(key);
    Ok((rows, next))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    /// Returns a listing of the numbers from 0, below `count`.
    fn numbers(count: u32) -> impl Fn(Option<u32>, u32) -> std::future::Ready<Result<Vec<u32>, StoreError>> {
        move |after, limit| {
            ready(Ok((after.map_or(0, |after| after + 1)..count).take(limit as usize).collect()))
        }
    }

    #[tokio::test]
    async fn all_returns_every_row_once() {
        for count in [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS] {
            let rows = all(numbers(count), |number| *number).await.unwrap();
            assert_eq!(rows, (0..count).collect::<Vec<u32>>(), "{count}");
        }
    }

    #[tokio::test]
    async fn page_returns_where_the_next_begins() {
        let page_of = |after, limit| page(numbers(5), |number: &u32| *number, after, limit);
        assert_eq!(page_of(None, 2).await.unwrap(), (vec![0, 1], Some(1)));
        assert_eq!(page_of(Some(1), 3).await.unwrap(), (vec![2, 3, 4], None));
        assert_eq!(page_of(None, 5).await.unwrap().1, None);
        assert_eq!(page_of(None, u32::MAX).await.unwrap().0.len(), 5);
    }
}
