//! A consumer of the feed by long polls.

use std::time::Duration;

use miroir_e2e::{Client, Ledger};
use tokio::task::JoinHandle;

/// Starts a reader that continues after the last entry of its ledger.
pub fn start(client: Client, ledger: Ledger) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let since = ledger.last("films").unwrap_or(0);
            let path = format!("/_miroir/changes?index=films&since={since}&limit=50&wait=1");
            // Miroir may be down for a moment; any response other than a page is retried.
            let page = client.get(&path).await.ok().filter(|response| response.status == 200);
            let Some(page) = page else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            for event in page.body["results"].as_array().unwrap() {
                tokio::task::yield_now().await;
                ledger.enter(event);
            }
        }
    })
}
