//! Responses that are equal on every instance.

use miroir_domain::role::{Role, assigned_to};
use miroir_e2e::until;
use serde_json::json;

use crate::fixture::{Together, add, found, get};

#[tokio::test]
async fn every_instance_accepts_writes_and_returns_them() {
    let together = Together::start(&["one", "two"]).await;
    for id in 0..10 {
        for position in 0..2 {
            let task = add(&together.client(position), 2 * id + position as u64).await;
            assert_eq!(task["status"], "succeeded", "{task}");
        }
    }
    for position in 0..2 {
        let client = together.client(position);
        assert_eq!(found(&client).await, 20);
        assert_eq!(get(&client, "/tasks?limit=100").await["total"], 20);
    }
    for position in 0..2 {
        let client = together.client(position);
        let refused = client.call("POST", "/indexes/films/documents", json!({ "id": "b d" })).await.unwrap();
        let task = client.wait_for_task(refused.body["taskUid"].as_u64().unwrap()).await.unwrap();
        assert_eq!(task["error"]["code"], "invalid_document_id", "{task}");
        let response = client.call("DELETE", "/indexes/absent", json!(null)).await.unwrap();
        assert!([202, 404].contains(&response.status), "{}", response.body);
    }
}

/// A forwarded request has the same headers, and so has its response.
#[tokio::test]
async fn every_instance_returns_the_same_responses() {
    let together = Together::start(&["one", "two"]).await;
    add(&together.client(0), 1).await;
    let requests = [
        ("POST", "/indexes", json!({ "uid": "no spaces allowed" })),
        ("POST", "/indexes/films/documents", json!("no documents")),
        ("PUT", "/indexes/films/settings/synonyms", json!(7)),
        ("PATCH", "/indexes/films/settings", json!({ "unheardOf": 1 })),
        ("POST", "/_miroir/aliases", json!({ "name": "films", "target": "films" })),
        ("PUT", "/_miroir/aliases/absent", json!({ "target": "films" })),
        ("POST", "/_miroir/canaries/absent/run", json!(null)),
        ("POST", "/_miroir/cdc/sinks/absent/pause", json!(null)),
        ("POST", "/swap-indexes", json!([])),
    ];
    for (method, path, body) in requests {
        let mut responses = Vec::new();
        for position in 0..2 {
            let client = together.client(position);
            // A load balancer names the host of the client, which the links of errors repeat.
            let request = client.request(method, path).unwrap().header("X-Forwarded-Host", "search.example");
            let request = request.header("X-Request-Id", "mine").json(&body);
            let response = client.send(request).await.unwrap();
            assert_eq!(response.header("x-request-id"), Some("mine"));
            let length = response.header("content-length").map(str::to_owned);
            let kind = response.header("content-type").map(str::to_owned);
            responses.push((response.status, response.body, length, kind));
        }
        assert_eq!(responses[0], responses[1], "{method} {path}");
        assert!((400..=501).contains(&responses[0].0), "{method} {path}: {:?}", responses[0]);
    }
}

#[tokio::test]
async fn instances_and_leases_list_the_holders_of_roles() {
    let together = Together::start(&["one", "two", "three"]).await;
    let client = together.client(1);
    let leases = until("every part of the canaries is run", || async {
        let leases = get(&client, "/_miroir/leases").await["results"].as_array().unwrap().clone();
        let as_dealt = |role: Role| {
            let expected = assigned_to(&role, ["one", "two", "three"]).unwrap();
            leases.iter().any(|lease| lease["role"] == role.name().as_str() && lease["holder"] == expected)
        };
        Role::all_canaries().all(as_dealt).then(|| leases.clone())
    })
    .await;
    let roles: Vec<&str> = leases.iter().map(|lease| lease["role"].as_str().unwrap()).collect();
    let expected: Vec<String> = Role::all_canaries().chain([Role::Writes]).map(|role| role.name()).collect();
    assert_eq!(roles, expected);
    assert!(
        leases.iter().all(|lease| lease["token"].as_u64().unwrap() >= 1 && lease["expiresAt"].is_string())
    );

    let instances = get(&client, "/_miroir/instances").await["results"].as_array().unwrap().clone();
    let names: Vec<&str> = instances.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "three", "two"]);
    assert_eq!(instances.iter().filter(|one| one["leader"] == true).count(), 1);
    let here: Vec<&str> =
        instances.iter().filter(|one| one["here"] == true).map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(here, ["two"]);
    let roles: usize = instances.iter().map(|one| one["roles"].as_array().unwrap().len()).sum();
    assert_eq!(roles, leases.len());
}

#[tokio::test]
async fn instance_with_a_used_name_takes_no_role_and_serves_requests() {
    let together = Together::start(&["one"]).await;
    let first = together.client(0);
    add(&first, 1).await;
    // An instance of the same name in another folder.
    let mut second = together.cluster.another("elsewhere").await.unwrap();
    second.rename("one").unwrap();
    second.start().await.unwrap();
    assert_eq!(add(second.client(), 2).await["status"], "succeeded");
    assert_eq!((found(&first).await, found(second.client()).await), (2, 2));
    assert!(second.process().log().contains("has the same name"), "{}", second.process().log());
    let instances = get(second.client(), "/_miroir/instances").await;
    assert_eq!(instances["results"].as_array().unwrap().len(), 1, "{instances}");
}
