//! Change data capture: recording, delivering and reading events, with and without failures.

mod deliver;
mod feed;
mod record;

use std::time::Duration;

use miroir_ports::inbound::{SinkApi as _, SinkView};
use serde_json::Value;

use crate::support::{Bench, Layout, Receiver, delivery, rules};

const TRIO: [&str; 3] = ["a", "b", "c"];

fn trio() -> Layout {
    Layout::group(&TRIO, 2)
}

/// Returns a cluster with one sink, `hook`, and its receiver.
fn hooked() -> (Layout, Receiver) {
    let receiver = Receiver::default();
    (trio().with_sink(rules("hook"), delivery(&receiver)), receiver)
}

async fn view(bench: &Bench, name: &str) -> SinkView {
    let views = bench.sinks.sink_list().await.unwrap();
    views.into_iter().find(|view| view.name == name).unwrap()
}

/// Waits until the sink has confirmed everything.
async fn caught_up(bench: &Bench, name: &str) -> SinkView {
    for _ in 0..100_000 {
        let view = view(bench, name).await;
        if view.lag == 0 {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{name} does not catch up: {:?}", view(bench, name).await);
}

/// Returns the id of each event and the first and last of its primary keys.
fn id_and_keys(events: &[Value]) -> Vec<(String, String, String)> {
    let one = |event: &Value| {
        let keys = event["data"]["primaryKeys"].as_array().unwrap().as_slice();
        let text = |key: Option<&Value>| key.map_or(String::new(), |key| key.as_str().unwrap().to_owned());
        (event["id"].as_str().unwrap().to_owned(), text(keys.first()), text(keys.last()))
    };
    events.iter().map(one).collect()
}
