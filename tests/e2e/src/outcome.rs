//! Outcomes of many writes.

use std::collections::BTreeSet;

use crate::client::Client;
use crate::wait::until;

/// Waits until every task has ended. The timeout begins anew whenever a task ends.
async fn ended(client: &Client) {
    let mut open = u64::MAX;
    while open > 0 {
        open = until(&format!("fewer than {open} tasks are open"), || async {
            let response = client.get("/tasks?statuses=enqueued,processing&limit=1").await.ok()?;
            response.body["total"].as_u64().filter(|total| *total == 0 || *total < open)
        })
        .await;
    }
}

/// Waits until every task has ended, and returns those that changed documents.
///
/// # Panics
///
/// Panics if no task ends within the timeout, or if tasks cannot be listed.
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
