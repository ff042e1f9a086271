//! Bodies of documents: JSON, NDJSON, CSV.

use serde_json::{Value, json};

use super::server::Server;

const PATH: &str = "/indexes/a/documents";
const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

async fn added(server: &Server, content_type: &str, path: &str, body: &str) -> Value {
    let accepted = server.typed("POST", path, content_type, body).await;
    let task = server.finished(&accepted).await;
    assert_eq!(task["status"], "succeeded", "{task}");
    server.get(PATH).await["results"].clone()
}

async fn refused(server: &Server, content_type: &str, body: &str, message: &str) {
    let response = server.typed("POST", PATH, content_type, body).await;
    response.refuses(400, "malformed_payload", message);
}

pub async fn one_object_is_a_payload(server: &Server) {
    assert_eq!(added(server, JSON, PATH, " {\"id\": 1}").await, json!([{ "id": 1 }]));
    let charset = "application/json; charset=utf-8";
    assert_eq!(added(server, charset, PATH, "[{\"id\": 2}]").await, json!([{ "id": 1 }, { "id": 2 }]));
}

pub async fn ndjson_objects_may_span_lines(server: &Server) {
    let body = "{\"id\":1,\n\"t\":\"x\"}\n\n{\"id\":2} {\"id\":3}";
    let expected = json!([{ "id": 1, "t": "x" }, { "id": 2 }, { "id": 3 }]);
    assert_eq!(added(server, NDJSON, PATH, body).await, expected);
    assert_eq!(added(server, NDJSON, PATH, " ").await, expected);
}

pub async fn malformed_json_is_refused(server: &Server) {
    for (body, problem) in [
        ("{\"id\":", "EOF while parsing a value at line 1 column 6"),
        ("[{\"id\":8}", "EOF while parsing a list at line 1 column 9"),
        ("{\"id\":8,}", "trailing comma at line 1 column 9"),
        ("{\"id\":8} {\"id\":9}", "trailing characters at line 1 column 10"),
        (" ", "EOF while parsing a value at line 1 column 1"),
    ] {
        let message = format!(
            "The `json` payload provided is malformed. `Couldn't serialize document value: {problem}`."
        );
        refused(server, JSON, body, &message).await;
    }
}

pub async fn malformed_ndjson_is_refused(server: &Server) {
    let message = "The `ndjson` payload provided is malformed. `Couldn't serialize document value: expected ident at \
                   line 2 column 2`.";
    refused(server, NDJSON, "{\"id\":1}\nfoo", message).await;
}

pub async fn scalars_are_refused(server: &Server) {
    let message = "The `json` payload provided is malformed. `Couldn't serialize document value: data are neither an \
                   object nor a list of objects`.";
    refused(server, JSON, "\"x\"", message).await;
    for body in ["[1]", "[[]]", "[{\"id\":1}, 2]"] {
        let response = server.typed("POST", PATH, JSON, body).await;
        assert_eq!((response.status, &response.body["code"]), (500, &json!("internal")), "{body}");
    }
    assert_eq!(server.get("/tasks").await["total"], 0);
}

pub async fn csv_columns_have_types(server: &Server) {
    let body = "id,n:number,b:boolean,s:string,e\n1,2.5,true,x,\n\"2\",3,false,\"a,b\",y\n";
    let expected = json!([
        { "id": "1", "n": 2.5, "b": true, "s": "x", "e": null },
        { "id": "2", "n": 3, "b": false, "s": "a,b", "e": "y" },
    ]);
    assert_eq!(added(server, CSV, PATH, body).await, expected);
}

pub async fn csv_errors_are_refused(server: &Server) {
    let message = "The `csv` payload provided is malformed: `CSV error: record 1 (line: 2, byte: 5): found record with \
                   1 fields, but the previous record has 2 fields`.";
    refused(server, CSV, "id,n\n1\n", message).await;
    let message = "The `csv` payload provided is malformed: `Error parsing number \"x\" at line 1: invalid float \
                   literal`.";
    refused(server, CSV, "id,n:number\n1,x", message).await;
}

pub async fn csv_delimiter_needs_csv(server: &Server) {
    let path = format!("{PATH}?csvDelimiter=%3B");
    assert_eq!(added(server, CSV, &path, "id;t\n1;x").await, json!([{ "id": "1", "t": "x" }]));
    let message = "The Content-Type `application/json` does not support the use of a csv delimiter. The csv delimiter \
                   can only be used with the Content-Type `text/csv`.";
    let response = server.typed("POST", &path, JSON, "[]").await;
    response.refuses(415, "invalid_content_type", message);
}

pub async fn content_type_is_checked(server: &Server) {
    let advice = "Accepted values for the Content-Type header are: `application/json`, `application/x-ndjson`, `text/csv`";
    let missing = format!("A Content-Type header is missing. {advice}");
    server.request("POST", PATH).await.refuses(415, "missing_content_type", &missing);
    let invalid = format!("The Content-Type `text/plain` is invalid. {advice}");
    server.typed("PUT", PATH, "text/plain", "[]").await.refuses(415, "invalid_content_type", &invalid);
}

pub async fn empty_body_is_refused(server: &Server) {
    for (content_type, name) in [(JSON, "json"), (NDJSON, "ndjson"), (CSV, "csv")] {
        let response = server.typed("POST", PATH, content_type, "").await;
        response.refuses(400, "missing_payload", &format!("A {name} payload is missing."));
    }
}

pub async fn unknown_parameters_are_refused(server: &Server) {
    let message = "Unknown parameter `foo`: expected one of `primaryKey`, `csvDelimiter`, `customMetadata`, \
                   `skipCreation`";
    server.typed("POST", &format!("{PATH}?foo=1"), JSON, "[]").await.refuses(400, "bad_request", message);
}
