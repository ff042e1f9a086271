//! What became of many writes.

use std::collections::BTreeSet;

use crate::{Client, until};

/// Waits until every task has ended, for as long as some still do.
async fn ended(client: &Client) {
    let mut open = u64::MAX;
    while open > 0 {
        open = until(&format!("fewer than {open} tasks are open"), || async {
            let answer = client.get("/tasks?statuses=enqueued,processing&limit=1").await.ok()?;
            answer.body["total"].as_u64().filter(|total| *total == 0 || *total < open)
        })
        .await;
    }
}

/// The tasks that changed documents, once all have ended.
///
/// # Panics
///
/// When tasks stop ending, or are not listed.
pub async fn took_effect(client: &Client) -> BTreeSet<u64> {
    ended(client).await;
    let mut uids = BTreeSet::new();
    let mut from = String::new();
    loop {
        let path = format!("/tasks?statuses=succeeded&types=documentAdditionOrUpdate&limit=1000{from}");
        let page = client.get(&path).await.unwrap().expect(200).unwrap();
        uids.extend(page["results"].as_array().unwrap().iter().map(|task| task["uid"].as_u64().unwrap()));
        match page["next"].as_u64() {
            Some(next) => from = format!("&from={next}"),
            None => return uids,
        }
    }
}
