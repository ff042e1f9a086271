//! Histories of the tables that features keep: the same calls in the same order get the same answers from every store.
//!
//! Names are few, so that calls meet; time only goes on, in steps that reach over the spans that are given.

mod access;
mod rows;
mod work;

use std::time::Duration;

use miroir_domain::{IndexUid, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

/// How far the clock goes on at each call, in milliseconds.
const STEP: std::ops::Range<u64> = 0..40;
/// The spans of what expires, in milliseconds.
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

/// Makes the same calls on all stores, and compares what they answer with the model.
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
                let expected = answer(&stores.model(), call.clone(), now).await;
                for (name, store) in stores.others() {
                    let found = answer(&store, call.clone(), now).await;
                    prop_assert_eq!(found, expected.clone(), "{} at {}: {:?}", name, now, call);
                }
            }
            Ok(())
        })?
    };
}
use compare;
