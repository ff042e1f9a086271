//! Random input: every response is an error of the client, and the server stays alive.

mod support;

use miroir_http::{HttpOptions, route_list};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use support::{Connection, Request, Server, TIMEOUT, stub_apis};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A path of a route with random parameters, or a random path.
fn paths() -> impl Strategy<Value = String> {
    let templates: Vec<String> = route_list().into_iter().map(|route| route.template).collect();
    let segment = prop_oneof![
        Just("movies".to_owned()),
        Just("1".to_owned()),
        "[!-~&&[^?# /]]{1,20}",
        "(%[0-9a-fA-F]{2}){1,8}",
        "%[g-z]?"
    ];
    let known = (select(templates), vec(segment, 3)).prop_map(|(template, segments)| {
        let mut segments = segments.into_iter();
        let fill = |part: &str| {
            if part.starts_with('{') { segments.next().unwrap_or_default() } else { part.to_owned() }
        };
        template.split('/').map(fill).collect::<Vec<_>>().join("/")
    });
    prop_oneof![8 => known, 1 => "/[!-~&&[^?# ]]{0,60}", 1 => "/{1,5}[a-z_]{0,10}/{0,5}"]
}

fn queries() -> impl Strategy<Value = String> {
    let names = select(vec![
        "limit",
        "offset",
        "q",
        "filter",
        "fields",
        "ids",
        "sort",
        "statuses",
        "types",
        "from",
        "uids",
        "primaryKey",
        "csvDelimiter",
        "customMetadata",
        "afterEnqueuedAt",
        "page",
        "hitsPerPage",
        "x",
    ]);
    let values =
        prop_oneof!["[!-~&&[^#& ]]{0,20}", "[0-9]{1,30}", "(%[0-9a-f]{2}){0,6}", Just(String::new())];
    vec((names, values), 0..4).prop_map(|pairs| {
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("null".to_owned()),
        Just(r#"{"uid":"a","primaryKey":null}"#.to_owned()),
        Just(r#"{"filter":["a = 1",["b = 2"]],"limit":3}"#.to_owned()),
        r#"\{"(q|limit|offset|filter|sort|facets|page|ids|fields|uid)":(null|true|-?[0-9]{1,25}|1e400|"[a-z ]{0,9}"|\[[0-9]\]|\{\})\}"#,
        "\\[{0,300}",
    ];
    prop_oneof![3 => json.prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..200)]
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = prop_oneof![
        select(vec![
            "Content-Type",
            "Content-Encoding",
            "Authorization",
            "X-Request-Id",
            "X-Admin-Key",
            "Origin",
            "Accept",
            "Accept-Encoding",
            "Cookie",
            "Range",
            "If-Match",
            "Connection",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z][A-Za-z-]{0,20}",
    ];
    let values = prop_oneof![
        Just("application/json".to_owned()),
        Just("text/csv".to_owned()),
        Just("gzip".to_owned()),
        Just("Bearer x".to_owned()),
        "[ -~]{0,40}",
        "[\\u{80}-\\u{ff}]{1,10}",
    ];
    // The headers that frame the message are set by the test itself, except in the test of raw bytes.
    let framing = ["content-length", "transfer-encoding", "expect", "upgrade"];
    vec((names, values), 0..5).prop_map(move |pairs| {
        pairs.into_iter().filter(|(name, _)| !framing.contains(&name.to_ascii_lowercase().as_str())).collect()
    })
}

fn methods() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]).prop_map(str::to_owned),
        1 => "[A-Z]{1,12}".prop_filter("no body or tunnel", |method| method != "HEAD" && method != "CONNECT"),
    ]
}

fn runtime() -> (Runtime, Server) {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(stub_apis(), HttpOptions::default()));
    (runtime, server)
}

async fn alive(server: &Server) {
    assert_eq!(server.get("/health").await.status, 200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_is_served_without_a_server_error(
        requests in vec((methods(), paths(), queries(), headers(), bodies(), any::<bool>()), 1..4)
    ) {
        thread_local!(static SERVER: (Runtime, Server) = runtime());
        SERVER.with(|(runtime, server)| runtime.block_on(async {
            for (method, path, query, headers, body, as_json) in &requests {
                let target = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
                let mut request = Request::new(method, &target);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                if *as_json {
                    request = request.header("Content-Type", "application/json");
                }
                let mut connection = server.connect().await;
                connection.write(&request.body(body).bytes()).await;
                let response = connection.response().await;
                let status = response.status;
                prop_assert!(status < 500 || status == 501 || status == 503, "{method} {target}: {}", response.body);
                if status >= 400 && response.header("content-type").is_some() {
                    prop_assert!(!response.code().is_empty());
                }
            }
            Ok(())
        }))?;
    }

    #[test]
    fn any_bytes_get_a_response_or_a_closed_connection(
        start in select(vec![
            "", "GET ", "GET /health HTTP/1.1\r\n", "POST /indexes HTTP/1.1\r\nContent-Type: application/json\r\n",
            "POST /indexes HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "PUT /indexes/m/documents HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]),
        rest in vec(prop_oneof![any::<u8>(), select(b"\r\n: /aG0".to_vec())], 0..300),
    ) {
        thread_local!(static SERVER: (Runtime, Server) = runtime());
        SERVER.with(|(runtime, server)| runtime.block_on(async {
            let mut connection: Connection = server.connect().await;
            // The server may close the connection before everything is sent.
            let _ = connection.stream.write_all(start.as_bytes()).await;
            let _ = connection.stream.write_all(&rest).await;
            let _ = connection.stream.shutdown().await;
            let mut received = Vec::new();
            let closed = timeout(TIMEOUT, connection.stream.read_to_end(&mut received)).await;
            prop_assert!(closed.is_ok(), "the connection hangs");
            let text = String::from_utf8_lossy(&received);
            prop_assert!(received.is_empty() || text.starts_with("HTTP/1."), "{text}");
            prop_assert!(!text.contains(" 500 "), "{text}");
            alive(server).await;
            Ok(())
        }))?;
    }
}
