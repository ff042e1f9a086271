//! Searches: the hits, their order and their form.

use serde_json::{Value, json};

use super::server::Server;

/// Asserts the hits of queries, in order.
async fn assert_order(server: &Server, expected: &[(&str, &[u64])]) {
    for (query, ids) in expected {
        assert_eq!(server.found(json!({ "q": query })).await, *ids, "{query}");
    }
}

pub async fn hits_follow_the_order_of_the_rules(server: &Server) {
    server.films().await;
    assert_order(
        server,
        &[
            ("wonder", &[7, 2, 11, 5]),
            ("wonder woman", &[2, 7, 11]),
            ("mad road", &[4, 10]),
            ("road mad", &[4, 10, 8]),
            ("the road", &[8, 10, 4, 7, 2]),
            ("a boy", &[3, 7, 6, 8, 10, 1, 5]),
            ("story of a boy", &[7, 1, 4]),
            ("fury", &[11, 4]),
            ("at sea", &[3, 5]),
            ("life sea", &[3, 10, 1]),
            ("2017", &[2, 7]),
            ("zzz", &[]),
            ("", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ],
    )
    .await;
}

pub async fn typos_match_in_long_words(server: &Server) {
    server.films().await;
    assert_order(
        server,
        &[
            ("wondr", &[2, 7, 11, 5]),
            ("wunder wuman", &[2, 7]),
            ("philadelfia", &[6]),
            ("apocaliptic", &[4]),
            ("apocaliptyc", &[4]),
            ("xonder", &[]),
            ("raod", &[]),
        ],
    )
    .await;
}

pub async fn last_word_matches_beginnings(server: &Server) {
    server.films().await;
    assert_order(server, &[("woma", &[2, 7]), ("wo", &[2, 7, 11, 5]), ("wo ", &[]), ("roa mad", &[])]).await;
}

pub async fn phrases_and_negations_are_exact(server: &Server) {
    server.films().await;
    assert_order(
        server,
        &[
            ("\"mad max\"", &[4]),
            ("\"max mad\"", &[]),
            ("\"mad ma\"", &[]),
            ("road -father", &[4, 10]),
            ("road -\"fury road\"", &[8, 10]),
        ],
    )
    .await;
}

pub async fn accents_and_case_do_not_matter(server: &Server) {
    server.films().await;
    assert_order(server, &[("amelie", &[9]), ("AMÉLIE", &[9]), ("comedie", &[9]), ("CAROL", &[1])]).await;
}

pub async fn strategies_drop_words_in_their_order(server: &Server) {
    server.films().await;
    let found = async |query: &str, strategy: &str| {
        server.found(json!({ "q": query, "matchingStrategy": strategy })).await
    };
    assert_eq!(found("road mad", "last").await, [4, 10, 8]);
    assert_eq!(found("road mad", "all").await, [4, 10]);
    assert_eq!(found("mad road fury", "all").await, [4]);
    assert_eq!(found("road a mad", "frequency").await, [10, 4]);
    assert_eq!(found("mad max road", "frequency").await, [4]);
}

pub async fn sorts_follow_the_ranking_rules(server: &Server) {
    server.films().await;
    assert_eq!(server.found(json!({ "q": "wonder", "sort": ["year:desc"] })).await, [7, 2, 5, 11]);
    assert_eq!(server.found(json!({ "q": "road", "sort": ["title:asc"] })).await, [10, 4, 8]);
    let sort = json!(["year:asc", "rating:desc"]);
    assert_eq!(server.found(json!({ "sort": sort })).await, [6, 10, 9, 8, 3, 4, 1, 5, 7, 2, 11]);
}

pub async fn sorts_put_missing_values_last(server: &Server) {
    server.films().await;
    assert_eq!(server.found(json!({ "sort": ["studio:asc"] })).await, [2, 8, 5, 3, 7, 1, 4, 6, 9, 10, 11]);
    assert_eq!(server.found(json!({ "sort": ["studio:desc"] })).await, [4, 1, 7, 3, 5, 8, 2, 6, 9, 10, 11]);
}

async fn refused(server: &Server, body: Value, code: &str, message: &str) {
    server.send("POST", "/indexes/films/search", body).await.refuses(400, code, message);
}

pub async fn sort_attribute_must_be_sortable(server: &Server) {
    server.films().await;
    let code = "invalid_search_sort";
    let known = "Available sortable attributes are: `rating, studio, title, year`.";
    let message = format!("Index `films`: Attribute `zz` is not sortable. {known}");
    refused(server, json!({ "sort": ["year:asc", "zz:asc"] }), code, &message).await;
    for bad in ["year", "year:foo"] {
        let rule = "expected expression ending by `:asc` or `:desc`";
        let message = format!("Invalid syntax for the sort parameter: {rule}, found `{bad}`.");
        refused(server, json!({ "sort": [bad] }), code, &message).await;
    }
    let message = "Invalid value type at `.sort`: expected an array, but found a string: `\"year:asc\"`";
    refused(server, json!({ "sort": "year:asc" }), code, message).await;
    server.succeeds("PUT", "/indexes/films/settings/ranking-rules", json!(["words"])).await;
    let message = "Index `films`: You must specify where `sort` is listed in the rankingRules setting to use the sort \
                   parameter at search time.";
    refused(server, json!({ "sort": ["year:asc"] }), code, message).await;
    server.done_empty("DELETE", "/indexes/films/settings").await;
    let message = "Index `films`: Attribute `year` is not sortable. This index does not have configured sortable \
                   attributes.";
    refused(server, json!({ "sort": ["year:asc"] }), code, message).await;
}

/// Returns the fields of a response that concern pages.
fn page(body: &Value) -> Value {
    let names = ["offset", "limit", "estimatedTotalHits", "page", "hitsPerPage", "totalHits", "totalPages"];
    let present = names.iter().filter_map(|name| Some(((*name).to_owned(), body.get(name)?.clone())));
    Value::Object(present.collect())
}

fn ids(body: &Value) -> Vec<u64> {
    body["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
}

pub async fn pages_by_offset(server: &Server) {
    server.films().await;
    let body = server.search(json!({ "offset": 3, "limit": 2 })).await;
    assert_eq!(ids(&body), [4, 5]);
    assert_eq!(page(&body), json!({ "offset": 3, "limit": 2, "estimatedTotalHits": 11 }));
    assert_eq!((&body["query"], body["processingTimeMs"].is_u64()), (&json!(""), true));
    let body = server.search(json!({ "offset": 30 })).await;
    assert_eq!((ids(&body), page(&body)["limit"].clone()), (vec![], json!(20)));
}

pub async fn pages_by_number(server: &Server) {
    server.films().await;
    for (body, expected, of) in [
        (json!({ "page": 2, "hitsPerPage": 4 }), vec![5, 6, 7, 8], json!([2, 4, 11, 3])),
        (json!({ "page": 3, "hitsPerPage": 4 }), vec![9, 10, 11], json!([3, 4, 11, 3])),
        (json!({ "page": 9, "hitsPerPage": 4 }), vec![], json!([9, 4, 11, 3])),
        (json!({ "hitsPerPage": 2 }), vec![1, 2], json!([1, 2, 11, 6])),
        (json!({ "hitsPerPage": 0 }), vec![], json!([1, 0, 11, 0])),
        (json!({ "page": 0 }), vec![], json!([0, 20, 11, 1])),
    ] {
        let found = server.search(body.clone()).await;
        assert_eq!(ids(&found), expected, "{body}");
        let expected =
            json!({ "page": of[0], "hitsPerPage": of[1], "totalHits": of[2], "totalPages": of[3] });
        assert_eq!(page(&found), expected, "{body}");
    }
}

pub async fn max_total_hits_limits_the_reachable_hits(server: &Server) {
    server.films().await;
    server.succeeds("PATCH", "/indexes/films/settings", json!({ "pagination": { "maxTotalHits": 5 } })).await;
    assert_eq!(server.found(json!({})).await, [1, 2, 3, 4, 5]);
    assert_eq!(server.found(json!({ "offset": 3, "limit": 10 })).await, [4, 5]);
    let body = server.search(json!({ "page": 2, "hitsPerPage": 4 })).await;
    assert_eq!(ids(&body), [5]);
    assert_eq!(page(&body), json!({ "page": 2, "hitsPerPage": 4, "totalHits": 11, "totalPages": 3 }));
}

pub async fn facets_count_and_range(server: &Server) {
    server.films().await;
    let body =
        server.search(json!({ "facets": ["year", "genres"], "filter": "year > 2010", "limit": 1 })).await;
    let expected = json!({
        "year": { "2012": 1, "2015": 2, "2016": 1, "2017": 2 },
        "genres": { "Action": 3, "Adventure": 3, "Drama": 3, "Family": 1, "Fantasy": 1, "Romance": 1 },
    });
    assert_eq!(body["facetDistribution"], expected);
    assert_eq!(body["facetStats"], json!({ "year": { "min": 2012.0, "max": 2017.0 } }));
    // Attributes by name: 1.50.0 itself refuses `*`, and later versions accept it again.
    let all = ["year", "genres", "rating", "studio"];
    let body = server.search(json!({ "facets": all, "q": "wonder" })).await;
    let expected = json!({
        "year": { "2016": 1, "2017": 2 },
        "genres": { "Action": 2, "Adventure": 1, "Drama": 1, "Family": 1, "Fantasy": 1 },
        "rating": { "5": 1, "7.4": 1, "7.6": 1, "8": 1 },
        "studio": { "DC": 1, "Disney": 1, "Lionsgate": 1 },
    });
    assert_eq!(body["facetDistribution"], expected);
    assert_eq!(server.search(json!({ "facets": [] })).await.get("facetDistribution"), None);
}

pub async fn facets_are_ordered_and_cut(server: &Server) {
    server.films().await;
    let change =
        json!({ "faceting": { "maxValuesPerFacet": 3, "sortFacetValuesBy": { "genres": "count" } } });
    server.succeeds("PATCH", "/indexes/films/settings", change).await;
    let body = server.search(json!({ "facets": ["genres", "studio"] })).await;
    let expected = json!({
        "genres": { "Action": 3, "Adventure": 4, "Drama": 5 },
        "studio": { "DC": 1, "Dimension": 1, "Disney": 1 },
    });
    assert_eq!(body["facetDistribution"], expected);
}

pub async fn facet_must_be_filterable(server: &Server) {
    server.films().await;
    let known = "Available filterable attributes patterns are: `genres, rating, studio, year`.";
    let message = format!("Invalid facet distribution: Pattern `zz` is not filterable. {known}");
    refused(server, json!({ "facets": ["year", "zz", "yy"] }), "invalid_search_facets", &message).await;
}

pub async fn distinct_keeps_the_first(server: &Server) {
    server.films().await;
    assert_eq!(server.found(json!({ "distinct": "year" })).await, [1, 2, 3, 5, 6, 8, 9, 11]);
    assert_eq!(server.found(json!({ "distinct": "genres" })).await, [1, 2, 10, 11]);
    let body =
        server.search(json!({ "distinct": "year", "page": 1, "hitsPerPage": 3, "facets": ["year"] })).await;
    assert_eq!((ids(&body), &body["totalHits"]), (vec![1, 2, 3], &json!(8)));
    assert_eq!(body["facetDistribution"]["year"]["2015"], 1);
    server.succeeds("PUT", "/indexes/films/settings/distinct-attribute", json!("year")).await;
    assert_eq!(server.found(json!({ "q": "wonder" })).await, [7, 11, 5]);
}

pub async fn distinct_must_be_filterable(server: &Server) {
    server.films().await;
    let known = "Available filterable attributes patterns are: `genres, rating, studio, year`.";
    let problem = "is not filterable and thus, cannot be used as distinct attribute.";
    let message = format!("Index `films`: Attribute `zz` {problem} {known}");
    refused(server, json!({ "distinct": "zz" }), "invalid_search_distinct", &message).await;
}

pub async fn attributes_are_selected(server: &Server) {
    server.films().await;
    let hit = async |attributes: Value| {
        let body = server.search(json!({ "q": "carol", "attributesToRetrieve": attributes })).await;
        body["hits"][0].clone()
    };
    assert_eq!(hit(json!(["id", "title"])).await, json!({ "id": 1, "title": "Carol" }));
    assert_eq!(hit(json!([])).await, json!({}));
    assert_eq!(hit(json!(["*"])).await, server.get("/indexes/films/documents/1").await);
    assert_eq!(hit(json!(["nope", "id"])).await, json!({ "id": 1 }));
}

pub async fn matches_are_highlighted(server: &Server) {
    server.films().await;
    let formatted = async |body: Value| -> Vec<Value> {
        let body = server.search(body).await;
        body["hits"].as_array().unwrap().iter().map(|hit| hit["_formatted"].clone()).collect()
    };
    let body = json!({
        "q": "wonder wom", "attributesToHighlight": ["title"], "attributesToRetrieve": ["id"],
        "highlightPreTag": "<b>", "highlightPostTag": "</b>",
    });
    let expected = [
        json!({ "id": "2", "title": "<b>Wonder</b> <b>Wom</b>an" }),
        json!({ "id": "7", "title": "<b>Wonder</b>" }),
        json!({ "id": "11", "title": "<b>Wom</b>en of <b>Wonders</b>" }),
    ];
    assert_eq!(formatted(body).await, expected);
    let body = json!({ "q": "2017 dram", "attributesToHighlight": ["*"], "attributesToRetrieve": ["id"] });
    let expected = json!({
        "id": "7", "title": "Wonder", "overview": "The story of a boy. His woman teacher wonders.",
        "year": "<em>2017</em>", "genres": ["<em>Dram</em>a", "Family"], "rating": "8.0", "studio": "Lionsgate",
    });
    assert_eq!(formatted(body).await[0], expected);
    let body = json!({ "q": "comedie", "attributesToRetrieve": ["genres", "studio"], "attributesToHighlight": ["genres"] });
    assert_eq!(formatted(body).await, [json!({ "genres": ["<em>Comédie</em>", "Romance"], "studio": null })]);
    let body = server.search(json!({ "q": "woman wonders", "showMatchesPosition": true, "limit": 1, "filter": "year = 2017", "sort": ["rating:desc"] })).await;
    assert_eq!(body["hits"][0]["_matchesPosition"]["overview"][0], json!({ "start": 24, "length": 5 }));
}

pub async fn hidden_attributes_stay_hidden(server: &Server) {
    server.films().await;
    server.succeeds("PUT", "/indexes/films/settings/displayed-attributes", json!(["id", "title"])).await;
    let body = json!({ "q": "2017", "attributesToRetrieve": ["*"], "attributesToHighlight": ["*"], "showMatchesPosition": true, "facets": ["year"], "limit": 1 });
    let body = server.search(body).await;
    let formatted = json!({ "id": "2", "title": "Wonder Woman" });
    let expected =
        json!({ "id": 2, "title": "Wonder Woman", "_formatted": formatted, "_matchesPosition": {} });
    assert_eq!(body["hits"], json!([expected]));
    assert_eq!(body["facetDistribution"], json!({ "year": { "2017": 2 } }));
}

pub async fn searchable_attributes_are_ranked(server: &Server) {
    server.films().await;
    server
        .succeeds("PUT", "/indexes/films/settings/searchable-attributes", json!(["overview", "title"]))
        .await;
    let title_last = server.found(json!({ "q": "fury" })).await;
    server
        .succeeds("PUT", "/indexes/films/settings/searchable-attributes", json!(["title", "overview"]))
        .await;
    let title_first = server.found(json!({ "q": "fury" })).await;
    assert_eq!((title_last, title_first), (vec![11, 4], vec![4, 11]));
    assert_eq!(server.found(json!({ "q": "drama" })).await, Vec::<u64>::new());
}

pub async fn restricted_search_uses_its_attributes(server: &Server) {
    server.films().await;
    let found = async |query: &str, attributes: Value| {
        server.found(json!({ "q": query, "attributesToSearchOn": attributes })).await
    };
    assert_eq!(found("wonder", json!(["overview"])).await, [7, 5]);
    assert_eq!(found("wonder wo", json!(["title"])).await, [2, 7, 11]);
    assert_eq!(found("wonder", json!(["zz"])).await, Vec::<u64>::new());
    server.succeeds("PUT", "/indexes/films/settings/searchable-attributes", json!(["title"])).await;
    let message = "Index `films`: Attribute `overview` is not searchable. Available searchable attributes are: `title`.";
    let body = json!({ "q": "x", "attributesToSearchOn": ["overview"] });
    refused(server, body, "invalid_search_attributes_to_search_on", message).await;
}

pub async fn query_string_equals_the_body(server: &Server) {
    server.films().await;
    let path = "/indexes/films/search?q=road&sort=year:desc&limit=2&facets=year&filter=year%3E1990\
                &attributesToRetrieve=id,year&matchingStrategy=all";
    let body = server.get(path).await;
    assert_eq!(body["hits"], json!([{ "id": 4, "year": 2015 }, { "id": 8, "year": 2009 }]));
    assert_eq!(body["facetDistribution"], json!({ "year": { "1993": 1, "2009": 1, "2015": 1 } }));
    let body = server.get("/indexes/films/search?page=2&hitsPerPage=4").await;
    assert_eq!(ids(&body), [5, 6, 7, 8]);
    let message = "Invalid value in parameter `limit`: could not parse `x` as a positive integer";
    let response = server.request("GET", "/indexes/films/search?limit=x").await;
    response.refuses(400, "invalid_search_limit", message);
}

pub async fn bad_parameters_are_refused(server: &Server) {
    server.films().await;
    let found = |name: &str, expected: &str, found: &str| {
        format!("Invalid value type at `.{name}`: expected {expected}, but found {found}")
    };
    let threshold = "Invalid value at `.rankingScoreThreshold`: the value of `rankingScoreThreshold` is invalid, \
                     expected a float between `0.0` and `1.0`.";
    let strategy = "Unknown value `foo` at `.matchingStrategy`: expected one of `last`, `all`, `frequency`";
    for (body, code, message) in [
        (json!({ "q": 3 }), "q", found("q", "a string", "a positive integer: `3`")),
        (json!({ "limit": -1 }), "limit", found("limit", "a positive integer", "a negative integer: `-1`")),
        (json!({ "limit": null }), "limit", found("limit", "a positive integer", "null")),
        (json!({ "offset": "a" }), "offset", found("offset", "a positive integer", "a string: `\"a\"`")),
        (json!({ "facets": "x" }), "facets", found("facets", "an array", "a string: `\"x\"`")),
        (
            json!({ "showRankingScore": 3 }),
            "show_ranking_score",
            found("showRankingScore", "a boolean", "a positive integer: `3`"),
        ),
        (
            json!({ "attributesToRetrieve": "a" }),
            "attributes_to_retrieve",
            found("attributesToRetrieve", "an array", "a string: `\"a\"`"),
        ),
        (json!({ "rankingScoreThreshold": 2 }), "ranking_score_threshold", threshold.to_owned()),
        (json!({ "matchingStrategy": "foo" }), "matching_strategy", strategy.to_owned()),
    ] {
        refused(server, body, &format!("invalid_search_{code}"), &message).await;
    }
    let message = "Invalid value type: expected an object, but found an array: `[]`";
    refused(server, json!([]), "bad_request", message).await;
    let response = server.send("POST", "/indexes/films/search", json!({ "foo": 1 })).await;
    assert_eq!((response.status, &response.body["code"]), (400, &json!("bad_request")));
    assert!(
        response.body["message"]
            .as_str()
            .unwrap()
            .starts_with("Unknown field `foo`: expected one of `q`, `offset`")
    );
}

pub async fn missing_index_is_not_found(server: &Server) {
    let response = server.send("POST", "/indexes/nope/search", json!({})).await;
    response.refuses(404, "index_not_found", "Index `nope` not found.");
    let response = server.request("GET", "/indexes/nope/search").await;
    response.refuses(404, "index_not_found", "Index `nope` not found.");
}
