//! Tables 11 to 13, whose rows are only stored, changed and listed: tenants, rollover policies, search pages.

use miroir_domain::GroupId;
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_ports::outbound::{Create, Put, StoreError};
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::sample::{at, index};

/// TENANT-1, STORE-4.
pub(crate) async fn tenants_are_listed_in_the_order_of_their_hashes<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let tenant = |byte, name: &str, group_id| Tenant {
        api_key_hash: ApiKeyHash([byte; 32]),
        tenant_id: name.to_owned(),
        group_id,
    };
    let rows = [
        tenant(0, "", None),
        tenant(0x7f, "nul\0🎬", Some(GroupId(u32::MAX))),
        tenant(0xff, "a:b{c}", Some(GroupId(0))),
    ];
    for row in rows.iter().rev() {
        store.tenant_put(&tenant(row.api_key_hash.0[0], "before", None)).await.unwrap();
        store.tenant_put(row).await.unwrap();
        assert_eq!(store.tenant_get(row.api_key_hash).await.unwrap().as_ref(), Some(row));
    }
    assert_eq!(store.tenant_list(None, 9).await.unwrap(), rows);
    assert_eq!(store.tenant_list(Some(rows[0].api_key_hash), 1).await.unwrap(), rows[1..2]);
    assert!(store.tenant_delete(rows[0].api_key_hash).await.unwrap());
    assert!(!store.tenant_delete(rows[0].api_key_hash).await.unwrap());
    assert_eq!(store.tenant_list(None, 9).await.unwrap(), rows[1..]);
}

fn policy(name: &str) -> RolloverPolicy {
    RolloverPolicy {
        name: name.to_owned(),
        write_alias: index("logs-write"),
        read_alias: index("logs"),
        pattern: "logs-{date}".to_owned(),
        triggers: json!({ "max_documents": u64::MAX }),
        retention: json!({ "days": 7 }),
        template: json!({ "settings": { "🎬": [null] } }),
        enabled: true,
        version: 1,
    }
}

/// ROLLOVER-1, ROLLOVER-2, ROLLOVER-3.
pub(crate) async fn policies_change_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for name in ["", "a:b{c}", "nul\0🎬"] {
        let first = policy(name);
        assert_eq!(store.rollover_put(&first).await.unwrap(), Put::Conflict, "there is no row");
        assert_eq!(store.rollover_create(&first).await.unwrap(), Create::Created);
        let other = RolloverPolicy { enabled: false, template: Value::Null, ..policy(name) };
        assert_eq!(store.rollover_create(&other).await.unwrap(), Create::Exists);
        assert_eq!(store.rollover_get(name).await.unwrap(), Some(first));
        assert_eq!(store.rollover_put(&other).await.unwrap(), Put::Stored);
        assert_eq!(store.rollover_put(&other).await.unwrap(), Put::Conflict);
        assert_eq!(store.rollover_get(name).await.unwrap(), Some(RolloverPolicy { version: 2, ..other }));
    }
    let names: Vec<String> =
        store.rollover_list(None, 9).await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["", "a:b{c}", "nul\0🎬"]);
    assert_eq!(store.rollover_list(Some(String::new()), 1).await.unwrap()[0].name, "a:b{c}");
    assert!(store.rollover_delete("").await.unwrap() && !store.rollover_delete("").await.unwrap());
}

/// SEARCHUI-1, SEARCHUI-2, SEARCHUI-3, STORE-10.
pub(crate) async fn search_pages_change_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let config = |uid: &str, config: Value| SearchUiConfig {
        index_uid: index(uid),
        config,
        updated_at: at(3),
        version: u64::MAX - 1,
    };
    let large = json!({ "text": "🎬".repeat(1 << 18) });
    for uid in ["b", "a"] {
        let first = config(uid, large.clone());
        assert_eq!(store.search_ui_put(&first).await.unwrap(), Put::Conflict, "there is no row");
        assert_eq!(store.search_ui_create(&first).await.unwrap(), Create::Created);
        let other = config(uid, Value::Null);
        assert_eq!(store.search_ui_create(&other).await.unwrap(), Create::Exists);
        assert_eq!(store.search_ui_get(&index(uid)).await.unwrap(), Some(first));
        assert_eq!(store.search_ui_put(&other).await.unwrap(), Put::Stored);
        assert_eq!(store.search_ui_put(&other).await.unwrap(), Put::Conflict);
        let last = SearchUiConfig { version: u64::MAX, ..other };
        assert_eq!(store.search_ui_get(&index(uid)).await.unwrap(), Some(last.clone()));
        assert!(matches!(store.search_ui_put(&last).await, Err(StoreError::InvalidInput(_))), "STORE-7");
    }
    let deep = (0..200).fold(Value::Null, |inner, _| json!([inner]));
    let refused = store.search_ui_create(&config("deep", deep)).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "{refused:?}");
    let pages = store.search_ui_list(None, 9).await.unwrap();
    assert_eq!(pages.iter().map(|row| row.index_uid.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(store.search_ui_list(Some(index("a")), 9).await.unwrap(), pages[1..]);
    assert!(store.search_ui_delete(&index("a")).await.unwrap());
    assert!(!store.search_ui_delete(&index("a")).await.unwrap());
}
