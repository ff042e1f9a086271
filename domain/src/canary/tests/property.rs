//! Properties of any canary.

use proptest::prelude::*;

use super::*;

fn ids() -> impl Strategy<Value = Vec<Value>> {
    let id = prop_oneof![(0_u32..12).prop_map(Value::from), (0_u32..12).prop_map(|id| id.to_string().into())];
    proptest::collection::vec(id, 0..12)
}

fn any_assertion() -> impl Strategy<Value = Value> {
    let number = proptest::sample::select(vec!["min_hits", "max_hits", "max_latency_ms", "max_p95_ms"]);
    prop_oneof![
        (0_u32..12).prop_map(|id| json!({ "type": "top_hit_id", "id": id })),
        (0_u32..12).prop_map(|id| json!({ "type": "must_not_contain_id", "id": id })),
        (0_u64..9, ids()).prop_map(|(k, ids)| json!({ "type": "top_k_contains", "k": k, "ids": ids })),
        (number, 0_u64..30).prop_map(|(kind, value)| json!({ "type": kind, "value": value })),
        ("[gh]", 0_u64..5, 0_u64..5).prop_map(|(facet, min, max)| {
            json!({ "type": "facet_count", "facet": facet, "value": "v", "min": min, "max": max })
        }),
    ]
}

/// A response that every definition without a limit of time accepts, if there is one: the wanted documents
/// first.
fn obliging(definition: &Definition) -> Map<String, Value> {
    let mut wanted: Vec<(u64, String)> = Vec::new();
    let (mut total, mut counts) = (0, json!({}));
    for assertion in definition.assertions() {
        match assertion {
            Assertion::TopHitId { id } => wanted.push((1, id.to_string())),
            Assertion::TopKContains { k, ids } => wanted.extend(ids.iter().map(|id| (*k, id.to_string()))),
            Assertion::MinHits { value } => total = total.max(*value),
            Assertion::FacetCount { facet, value, min: Some(min), .. } => {
                let count = counts[facet][value].as_u64().unwrap_or(0).max(*min);
                counts[facet][value] = count.into();
            }
            _ => {}
        }
    }
    wanted.sort();
    let mut hits: Vec<Value> = Vec::new();
    for (_, id) in wanted {
        if !hits.iter().any(|hit| hit["id"] == id.as_str()) {
            hits.push(json!({ "id": id }));
        }
    }
    let total = total.max(hits.len() as u64);
    object(json!({ "hits": hits, "estimatedTotalHits": total, "facetDistribution": counts }))
}

proptest! {
    /// An accepted definition can be met: the response made for it passes.
    #[test]
    fn parse_accepts_only_assertions_that_can_be_met(assertions in proptest::collection::vec(any_assertion(), 0..6)) {
        let written = written(&json!({ "facets": ["*"] }), &assertions.into());
        if let Ok(definition) = Definition::parse(&written) {
            let body = obliging(&definition);
            let key = key();
            let seen = Observation {
                body: &body, latency_ms: 0, settings_version: Some(1), primary_key: Some(&key), degraded: None,
            };
            let verdict = evaluate(&definition, &seen, &[]);
            prop_assert_eq!(verdict.status(), CanaryStatus::Pass, "{:?} {:?}", definition, verdict);
        }
    }

    /// A definition survives its row and its JSON, whatever its content.
    #[test]
    fn definitions_round_trip(
        assertions in proptest::collection::vec(any_assertion(), 0..6),
        name in "\\PC{1,20}", interval in 1_u32..=86_400, enabled: bool, query in "\\PC{0,20}",
    ) {
        let mut given = written(&json!({ "q": query, "facets": ["g", "h"] }), &assertions.into());
        (given["name"], given["intervalSeconds"], given["enabled"]) = (name.into(), interval.into(), enabled.into());
        if let Ok(definition) = Definition::parse(&given) {
            let row = definition.to_row(&CanaryId::of_name("c").unwrap(), Timestamp::from_millis(0), 1);
            prop_assert_eq!(&Definition::of_row(&row).unwrap(), &definition);
            prop_assert_eq!(&Definition::parse(&definition.to_json()).unwrap(), &definition);
        }
    }

    /// Any JSON is read, or refused with a sentence.
    #[test]
    fn parse_never_panics(text in "\\PC{0,40}", number: i64, kind in "[a-z_0-9]{0,12}") {
        for value in [
            json!(text), json!({ "name": text, "index": kind, "intervalSeconds": number, "query": { kind.clone(): text } }),
            written(&json!({ "q": text }), &json!([{ "type": kind, "value": number, "id": text }])),
        ] {
            if let Err(refusal) = Definition::parse(&value) {
                prop_assert!(refusal.message.starts_with("Invalid canary"));
            }
        }
    }

    /// The evidence names exactly the failing ids: the wanted ones that are not among the first hits.
    #[test]
    fn evidence_names_missing_ids(hits in ids(), wanted in 0_u32..12, k in 1_u64..15) {
        let definition = definition(json!({}), json!([{ "type": "top_k_contains", "k": k, "ids": [wanted] }]));
        let body = object(json!({ "hits": hits.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() }));
        let key = key();
        let seen = Observation {
            body: &body, latency_ms: 0, settings_version: None, primary_key: Some(&key), degraded: None,
        };
        let plain = |id: &Value| id.to_string().trim_matches('"').to_owned();
        let there = hits.iter().take(usize::try_from(k).unwrap()).any(|id| plain(id) == wanted.to_string());
        let evidence = evaluate(&definition, &seen, &[]).evidence();
        prop_assert_eq!(evidence.as_array().unwrap().is_empty(), there);
        if !there {
            prop_assert_eq!(&evidence[0]["failingIds"], &json!([wanted.to_string()]));
        }
    }

    /// A canary never runs twice within an interval, and skips the runs that a slow one missed.
    #[test]
    fn due_at_stays_on_the_grid_of_the_last_run(interval in 1_u32..1_000, latency in 0_u64..10_000_000, ran_at in 0_i64..1_000_000) {
        let definition = definition(json!({}), json!([]));
        let row = definition.to_row(&CanaryId::of_name("c").unwrap(), Timestamp::from_millis(0), 1);
        let row = Canary { interval_s: interval, ..row };
        let last = run(ran_at, CanaryStatus::Pass, latency);
        let due = due_at(&row, Some(&last), Timestamp::from_millis(ran_at)).as_millis() - ran_at;
        let length = i64::from(interval) * 1_000;
        prop_assert!(due >= length && due % length == 0);
        let latency = i64::try_from(latency).unwrap();
        prop_assert!(due >= latency && due - length < latency.max(1));
    }
}
