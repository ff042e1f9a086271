//! The routes of metrics, and their labels.

use std::collections::BTreeSet;

use super::run::{ADMIN_KEY, OF_A_CLIENT, Run};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_served_with_the_key_and_on_a_port_without_one() {
    let run = Run::start().await;
    let admin = format!("http://{}/_miroir/metrics", run.server.address);
    assert_eq!(run.get(&admin).await.0, 401);
    let open = format!("http://{}", run.server.metrics_address.unwrap());
    let (status, kind, text) = run.get(&format!("{open}/metrics")).await;
    assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4"));
    assert!(text.contains("miroir_build_info{version=\""), "{text}");
    for path in ["/health", "/_miroir/metrics", "/indexes", "/_miroir/topology"] {
        assert_eq!(run.get(&format!("{open}{path}")).await.0, 404, "{path}");
    }
    let (status, _) = run.request("GET", "/_miroir/metrics", None).await;
    assert_eq!(status, 200);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_counted_without_text_of_clients() {
    let run = Run::used().await;
    let documents = [("route", "/indexes/{index_uid}/documents"), ("method", "POST"), ("status", "202")];
    assert_eq!(run.value("miroir_http_requests_total", &documents).await, Some(2.0));
    let lost = [("route", "unmatched"), ("method", "other"), ("status", "404")];
    assert_eq!(run.value("miroir_http_requests_total", &lost).await, Some(1.0));
    assert_eq!(run.value("miroir_tasks", &[("status", "succeeded")]).await, Some(2.0));
    assert_eq!(run.value("miroir_alias_flips_total", &[]).await, Some(1.0));
    assert_eq!(run.value("miroir_canary_runs_total", &[("verdict", "pass")]).await, Some(1.0));
    assert_eq!(run.value("miroir_canaries", &[("status", "pass")]).await, Some(1.0));
    assert!(run.value("miroir_cdc_lag_events", &[("sink", "hook")]).await > Some(0.0));
    assert_eq!(run.value("miroir_cdc_lag_events", &[("sink", "feed")]).await, Some(0.0));
    assert_eq!(run.value("miroir_shards_degraded", &[]).await, Some(8.0));
    assert_eq!(run.value("miroir_store_up", &[]).await, Some(1.0));
    assert!(run.value("miroir_sqlite_changes_total", &[]).await > Some(2.0));
    let text = run.scrape().await;
    assert!(!text.contains(OF_A_CLIENT), "{text}");
    assert!(!text.contains(ADMIN_KEY), "{text}");
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_unknown_names_make_no_series() {
    let run = Run::start().await;
    let request_all = async |from: u32| {
        for number in from..from + 100 {
            for path in [
                format!("/made-up-{number}"),
                format!("/indexes/made-up-{number}"),
                format!("/indexes/made-up-{number}/search?q={number}"),
                format!("/_miroir/aliases/made-up-{number}"),
                format!("/_miroir/canaries/made-up-{number}"),
                format!("/_miroir/cdc/sinks/made-up-{number}/pause"),
                format!("/tasks/{number}"),
            ] {
                for method in ["GET", "DELETE", "MADE"] {
                    run.request(method, &path, None).await;
                }
            }
        }
    };
    let series = async || -> BTreeSet<String> {
        let text = run.scrape().await;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    request_all(0).await;
    let before = series().await;
    request_all(100).await;
    let after = series().await;
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:?}");
    run.stop().await;
}
