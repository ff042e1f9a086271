//! The store is away under load: no read fails, and no answer is wrong and unmarked.

use std::time::Duration;

use miroir_test_chaos::{Layout, Options, Store, under_load};
use serde_json::json;
use tokio::time::sleep;

/// The time under load before the outage, and after it.
const AROUND: Duration = Duration::from_secs(3);

/// The environment variable with the seconds for which the store is away.
const SECONDS: &str = "STORE_AWAY_SECONDS";

/// Returns the time for which the store is away: several leases, unless [`SECONDS`] says otherwise.
fn outage() -> Duration {
    let seconds = std::env::var(SECONDS).ok().map(|text| text.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(12))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_while_the_store_is_away() {
    let (store, layout) = (Store::Redis, Layout::of(3, 1));
    let options = Options { seed: 1, time: outage(), store, nodes: 3, layout, program: None };
    let report = under_load(&options, async |state, processes| {
        sleep(AROUND).await;
        state.fault("kill store", &format!("for {:?}", options.time));
        processes.redis.as_mut().unwrap().kill();
        sleep(options.time / 4).await;
        // An instance that is started again meanwhile is alive, and waits.
        let restarted = processes.second.as_mut().unwrap();
        restarted.kill().await?;
        restarted.start_unready()?;
        sleep(options.time * 3 / 4).await;
        let restarted = processes.second.as_mut().unwrap();
        assert_eq!(restarted.client().get("/health").await?.status, 200);
        let ready = restarted.client().get("/_miroir/ready").await?;
        assert_eq!((ready.status, &ready.body["ready"]), (503, &json!(false)), "{}", ready.body);
        state.note("store is back");
        processes.redis.as_mut().unwrap().launch_again();
        processes.second.as_mut().unwrap().until_ready().await?;
        sleep(AROUND).await;
        Ok(())
    })
    .await
    .unwrap();
    eprintln!("{report:?}");
    let [compared, marked, refused] = report.reads;
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(refused, 0, "{report:?}");
    assert!(compared > 50 && marked > 50, "{report:?}");
}
