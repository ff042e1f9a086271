//! Listings of the store, page by page: each takes the key after which a page begins, and how many rows it may have.

use miroir_ports::outbound::StoreError;

/// Rows read in one store call.
const ROWS: u32 = 500;

/// Every row of a listing, in its order.
pub async fn every<R, K, F>(
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

/// Up to `limit` rows after `after`, and the key after which the next page begins, where there is one.
pub async fn one<R, K, F>(
    list: impl FnOnce(Option<K>, u32) -> F,
    key: impl Fn(&R) -> K,
    after: Option<K>,
    limit: u32,
) -> Result<(Vec<R>, Option<K>), StoreError>
where
    F: Future<Output = Result<Vec<R>, StoreError>>,
{
    // One more than the page tells whether another follows.
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

    /// A listing of the numbers from 0 to before `count`.
    fn numbers(count: u32) -> impl Fn(Option<u32>, u32) -> std::future::Ready<Result<Vec<u32>, StoreError>> {
        move |after, limit| {
            ready(Ok((after.map_or(0, |after| after + 1)..count).take(limit as usize).collect()))
        }
    }

    #[tokio::test]
    async fn every_row_comes_once_whatever_their_number() {
        for count in [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS] {
            let rows = every(numbers(count), |number| *number).await.unwrap();
            assert_eq!(rows, (0..count).collect::<Vec<u32>>(), "{count}");
        }
    }

    #[tokio::test]
    async fn one_page_tells_where_the_next_begins() {
        let page = |after, limit| one(numbers(5), |number: &u32| *number, after, limit);
        assert_eq!(page(None, 2).await.unwrap(), (vec![0, 1], Some(1)));
        assert_eq!(page(Some(1), 3).await.unwrap(), (vec![2, 3, 4], None));
        assert_eq!(page(None, 5).await.unwrap().1, None);
        assert_eq!(page(None, u32::MAX).await.unwrap().0.len(), 5);
    }
}
