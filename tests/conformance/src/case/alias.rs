//! Table 3, `aliases`.

use miroir_domain::alias::{Alias, AliasState, AliasTarget};
use miroir_ports::outbound::{Create, Put, StoreError};

use crate::harness::Harness;
use crate::sample::{at, index};

fn alias(name: &str, target: &str) -> Alias {
    Alias {
        name: index(name),
        target: AliasTarget::Single(index(target)),
        version: 1,
        created_at: at(5),
        history: Vec::new(),
    }
}

/// ALIAS-1, STORE-4.
pub(crate) async fn alias_reads_back_with_its_history<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let former = AliasState { target: AliasTarget::Single(index("a")), version: u64::MAX, ended_at: at(-1) };
    let target = AliasTarget::Multi(vec![index("b"), index("a")]);
    let all = Alias { target, version: u64::MAX, history: vec![former], ..alias("all", "x") };
    assert_eq!(store.alias_create(&all).await.unwrap(), Create::Created);
    assert_eq!(store.alias_get(&all.name).await.unwrap(), Some(all.clone()));
    assert_eq!(store.alias_create(&alias("all", "other")).await.unwrap(), Create::Exists);
    assert_eq!(store.alias_get(&all.name).await.unwrap(), Some(all.clone()));
    assert!(matches!(store.alias_put(&all).await, Err(StoreError::InvalidInput(_))), "STORE-7");
}

/// ALIAS-2.
pub(crate) async fn flip_succeeds_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let first = alias("films", "v1");
    assert_eq!(store.alias_put(&first).await.unwrap(), Put::Conflict, "there is no row");
    store.alias_create(&first).await.unwrap();
    let flipped = first.clone().flipped(AliasTarget::Single(index("v2")), at(9), 10);
    assert_eq!(store.alias_put(&flipped).await.unwrap(), Put::Stored);
    assert_eq!(store.alias_put(&first).await.unwrap(), Put::Conflict);
    let stored = store.alias_get(&first.name).await.unwrap().unwrap();
    assert_eq!(stored, Alias { version: 2, ..flipped });
}

/// ALIAS-2: of many callers who have read one version, one flips.
pub(crate) async fn one_of_many_flips_wins<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.alias_create(&alias("films", "v0")).await.unwrap();
    let flips = (0..32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.alias_put(&alias("films", &format!("v{number}"))).await.unwrap() })
    });
    let mut stored = 0;
    for flip in flips.collect::<Vec<_>>() {
        stored += u32::from(flip.await.unwrap() == Put::Stored);
    }
    assert_eq!(stored, 1);
}

/// ALIAS-3.
pub(crate) async fn swap_changes_both_or_neither<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for (name, target) in [("live", "a"), ("next", "b")] {
        store.alias_create(&alias(name, target)).await.unwrap();
    }
    let (live, next) = (alias("live", "b"), alias("next", "a"));
    let stale = Alias { version: 7, ..next.clone() };
    for (first, second) in [(&live, &stale), (&stale, &live), (&live, &alias("none", "a"))] {
        assert_eq!(store.alias_put_both(first, second).await.unwrap(), Put::Conflict);
        assert_eq!(store.alias_get(&live.name).await.unwrap(), Some(alias("live", "a")));
        assert_eq!(store.alias_get(&next.name).await.unwrap(), Some(alias("next", "b")));
    }
    assert!(matches!(store.alias_put_both(&live, &live).await, Err(StoreError::InvalidInput(_))));
    assert_eq!(store.alias_put_both(&live, &next).await.unwrap(), Put::Stored);
    assert_eq!(store.alias_get(&live.name).await.unwrap(), Some(Alias { version: 2, ..live }));
    assert_eq!(store.alias_get(&next.name).await.unwrap(), Some(Alias { version: 2, ..next }));
}

/// ALIAS-4.
pub(crate) async fn aliases_come_in_byte_order_page_by_page<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for name in ["b", "a", "Z", "_", "a-1"] {
        store.alias_create(&alias(name, "x")).await.unwrap();
    }
    let mut names = Vec::new();
    while let page @ [_, ..] = &*store.alias_list(names.last().cloned(), 2).await.unwrap() {
        names.extend(page.iter().map(|alias| alias.name.clone()));
    }
    assert_eq!(names, ["Z", "_", "a", "a-1", "b"].map(index));
    assert!(store.alias_delete(&index("a")).await.unwrap());
    assert!(!store.alias_delete(&index("a")).await.unwrap());
    assert_eq!(store.alias_list(None, 9).await.unwrap().len(), 4);
}
