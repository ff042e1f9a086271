//! Histories of the features' tables: the same calls in the same order have the same results on every store.
//!
//! There are few names, so that calls meet. Time only advances, in steps that exceed some of the spans.

mod access;
mod replica;
mod rows;
mod work;

use std::time::Duration;

use miroir_domain::{IndexUid, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The time between two calls, in milliseconds.
const STEP: std::ops::Range<u64> = 0..40;
/// The time until expiry, in milliseconds.
const SPAN: std::ops::Range<u64> = 0..120;

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "_index", "__index", "z:b", "{é}"]).prop_map(str::to_owned)
}

fn index() -> impl Strategy<Value = IndexUid> {
    prop::sample::select(vec!["a", "_index", "B-2"]).prop_map(|uid| uid.parse().unwrap())
}

fn body() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(null), json!({"a": [1, u64::MAX]}), json!("🎬 : \0"), json!([])])
}

fn low() -> std::ops::Range<u64> {
    0..4
}

fn later(now: Timestamp, millis: u64) -> Timestamp {
    now.plus(Duration::from_millis(millis))
}

/// Makes the same calls on all stores, and compares the results with those of the model.
macro_rules! compare {
    ($calls:expr) => {
        run(async {
            let mut stores = crate::property::Stores::start().await;
            let mut now = Timestamp::from_millis(0);
            for (call, step) in $calls {
                now = crate::property::feature::later(now, step);
                if matches!(call, Call::Reopen) {
                    stores.reopen().await;
                    continue;
                }
                let expected = result(&stores.model(), call.clone(), now).await;
                for (name, store) in stores.others() {
                    let found = result(&store, call.clone(), now).await;
                    prop_assert_eq!(found, expected.clone(), "{} at {}: {:?}", name, now, call);
                }
            }
            Ok(())
        })?
    };
}
use compare;
