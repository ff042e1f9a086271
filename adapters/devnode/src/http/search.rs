//! Routes of searches: reads the parameters of a body or a query string.

use serde_json::{Value, json};

use super::field::Fields;
use super::query::Query;
use super::request::Request;
use super::response::{Responded, Response};
use crate::engine::rank::Strategy;
use crate::engine::search::{Page, SearchRequest, search};
use crate::error::ApiError;
use crate::json::{object, unknown_value, wrong_type};
use crate::shared::Shared;

const BODY: [&str; 30] = [
    "q",
    "offset",
    "limit",
    "page",
    "hitsPerPage",
    "attributesToRetrieve",
    "attributesToCrop",
    "cropLength",
    "cropMarker",
    "attributesToHighlight",
    "highlightPreTag",
    "highlightPostTag",
    "showMatchesPosition",
    "filter",
    "sort",
    "distinct",
    "facets",
    "matchingStrategy",
    "attributesToSearchOn",
    "rankingScoreThreshold",
    "locales",
    "hybrid",
    "vector",
    "retrieveVectors",
    "media",
    "personalize",
    "useNetwork",
    "showRankingScore",
    "showRankingScoreDetails",
    "showPerformanceDetails",
];

/// The names that replace some of these fields in the query string.
const QUERY_NAMES: [(&str, &[&str]); 3] = [
    ("hybrid", &["hybridEmbedder", "hybridSemanticRatio"]),
    ("media", &[]),
    ("personalize", &["personalizeUserContext"]),
];

const DEFAULT_LIMIT: usize = 20;

/// Serves `POST /indexes/{uid}/search`.
pub(super) fn post(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let body = request.json()?;
    let wanted = from_body(&body)?;
    respond(shared, uid, &wanted)
}

/// Serves `GET /indexes/{uid}/search`.
pub(super) fn get(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let query = &request.query;
    let mut names: Vec<&str> = Vec::new();
    for name in BODY {
        match QUERY_NAMES.iter().find(|(body, _)| *body == name) {
            Some((_, instead)) => names.extend(*instead),
            None => names.push(name),
        }
    }
    query.only(&names)?;
    let wanted = from_body(&as_body(query)?)?;
    respond(shared, uid, &wanted)
}

fn respond(shared: &Shared, uid: &str, wanted: &SearchRequest) -> Responded {
    let started = shared.now();
    let state = shared.state();
    let mut body = search(state.index(uid)?, uid, wanted)?;
    let finished = shared.now();
    let elapsed = finished.as_millisecond().saturating_sub(started.as_millisecond()).max(0);
    body.insert("processingTimeMs".to_owned(), json!(elapsed));
    body.insert("requestUid".to_owned(), json!(request_uid(finished)));
    Ok(Response::ok(&body))
}

/// Returns a unique id in the form of a UUID version 7. Its nanoseconds never repeat within one node.
fn request_uid(now: jiff::Timestamp) -> String {
    let millis = now.as_millisecond();
    let nanos = now.as_nanosecond().rem_euclid(1_000_000);
    let text = format!("{millis:012x}");
    let (high, low) = text.split_at(text.len() - 4);
    format!("{high}-{low}-7{:03x}-8{:03x}-{:012x}", nanos >> 12, nanos & 0xfff, std::process::id())
}

/// Converts a query string to the equivalent body.
fn as_body(query: &Query) -> Result<Value, ApiError> {
    let mut body = json!({});
    for name in ["q", "highlightPreTag", "highlightPostTag", "distinct", "matchingStrategy"] {
        if let Some(text) = query.get(name) {
            body[name] = json!(text);
        }
    }
    for (name, code) in [
        ("offset", "invalid_search_offset"),
        ("limit", "invalid_search_limit"),
        ("page", "invalid_search_page"),
        ("hitsPerPage", "invalid_search_hits_per_page"),
    ] {
        if let Some(number) = query.number::<usize>(name, code)? {
            body[name] = json!(number);
        }
    }
    for (name, code) in [
        ("showMatchesPosition", "invalid_search_show_matches_position"),
        ("showRankingScore", "invalid_search_show_ranking_score"),
        ("showRankingScoreDetails", "invalid_search_show_ranking_score_details"),
        ("retrieveVectors", "invalid_search_retrieve_vectors"),
    ] {
        if let Some(boolean) = query.boolean(name, code)? {
            body[name] = json!(boolean);
        }
    }
    for name in ["attributesToRetrieve", "attributesToHighlight", "facets", "attributesToSearchOn", "sort"] {
        if let Some(items) = query.list(name) {
            body[name] = items.into_iter().map(|(_, item)| Value::from(item)).collect();
        }
    }
    if let Some(filter) = query.get("filter") {
        // A filter may be an array as JSON text.
        body["filter"] =
            serde_json::from_str(filter).ok().filter(Value::is_array).unwrap_or_else(|| json!(filter));
    }
    if let Some(threshold) =
        query.number::<f64>("rankingScoreThreshold", "invalid_search_ranking_score_threshold")?
    {
        body["rankingScoreThreshold"] = json!(threshold);
    }
    Ok(body)
}

fn from_body(body: &Value) -> Result<SearchRequest, ApiError> {
    let fields = Fields::new(object(body, &BODY)?);
    let flag = |name: &str, code: &str| fields.boolean(name, code).map(|flag| flag.unwrap_or(false));
    let tag = |name: &str, code: &str, default: &str| {
        fields.text(name, code).map(|tag| tag.unwrap_or(default).to_owned())
    };
    Ok(SearchRequest {
        q: fields.text("q", "invalid_search_q")?.unwrap_or_default().to_owned(),
        page: page(&fields)?,
        filter: fields.value("filter").cloned(),
        sort: fields.texts("sort", "invalid_search_sort")?.unwrap_or_default(),
        distinct: fields.text("distinct", "invalid_search_distinct")?.map(str::to_owned),
        facets: fields.texts("facets", "invalid_search_facets")?,
        strategy: strategy(&fields)?,
        search_on: fields.texts("attributesToSearchOn", "invalid_search_attributes_to_search_on")?,
        retrieve: fields.texts("attributesToRetrieve", "invalid_search_attributes_to_retrieve")?,
        highlight: fields.texts("attributesToHighlight", "invalid_search_attributes_to_highlight")?,
        highlight_tags: (
            tag("highlightPreTag", "invalid_search_highlight_pre_tag", "<em>")?,
            tag("highlightPostTag", "invalid_search_highlight_post_tag", "</em>")?,
        ),
        score_threshold: threshold(&fields)?,
        show_score: flag("showRankingScore", "invalid_search_show_ranking_score")?,
        show_score_details: flag("showRankingScoreDetails", "invalid_search_show_ranking_score_details")?,
        show_matches_position: flag("showMatchesPosition", "invalid_search_show_matches_position")?,
        retrieve_vectors: flag("retrieveVectors", "invalid_search_retrieve_vectors")?,
    })
}

fn page(fields: &Fields) -> Result<Page, ApiError> {
    let offset = fields.count_not_null("offset", "invalid_search_offset")?.unwrap_or(0);
    let limit = fields.count_not_null("limit", "invalid_search_limit")?.unwrap_or(DEFAULT_LIMIT);
    let page = fields.count("page", "invalid_search_page")?;
    let hits_per_page = fields.count("hitsPerPage", "invalid_search_hits_per_page")?;
    if page.is_none() && hits_per_page.is_none() {
        return Ok(Page::Offset { offset, limit });
    }
    Ok(Page::Numbered { page: page.unwrap_or(1), hits_per_page: hits_per_page.unwrap_or(DEFAULT_LIMIT) })
}

fn strategy(fields: &Fields) -> Result<Strategy, ApiError> {
    const CODE: &str = "invalid_search_matching_strategy";
    match fields.text("matchingStrategy", CODE)? {
        None | Some("last") => Ok(Strategy::Last),
        Some("all") => Ok(Strategy::All),
        Some("frequency") => Ok(Strategy::Frequency),
        Some(other) => Err(unknown_value(".matchingStrategy", other, &["last", "all", "frequency"], CODE)),
    }
}

fn threshold(fields: &Fields) -> Result<Option<f64>, ApiError> {
    const CODE: &str = "invalid_search_ranking_score_threshold";
    let Some(value) = fields.value("rankingScoreThreshold") else { return Ok(None) };
    let threshold =
        value.as_f64().ok_or_else(|| wrong_type(".rankingScoreThreshold", "a number", value, CODE))?;
    if (0.0..=1.0).contains(&threshold) {
        return Ok(Some(threshold));
    }
    let problem =
        "the value of `rankingScoreThreshold` is invalid, expected a float between `0.0` and `1.0`.";
    Err(ApiError::invalid(CODE, format!("Invalid value at `.rankingScoreThreshold`: {problem}")))
}
