//! The search of one index: filters, ranks, orders, removes duplicates, cuts the page and formats it.

use serde_json::{Map, Value, json};

use super::facet::{self, Facets};
use super::filter::{self, fold_facet};
use super::highlight::{Marker, matches_position};
use super::query::Query;
use super::rank::{Ranker, Strategy};
use super::score::{Detail, compare, global_score, show};
use super::select::select_where;
use super::sort;
use crate::documents::Stored;
use crate::error::ApiError;
use crate::settings::pattern_covers;
use crate::state::Index;

/// The requested page of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// A number of hits from an offset on; the total is called estimated.
    Offset { offset: usize, limit: usize },
    /// A numbered page; totals are exact.
    Numbered { page: usize, hits_per_page: usize },
}

/// A search request whose types are checked.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of the API, each independent")]
pub(crate) struct SearchRequest {
    pub(crate) q: String,
    pub(crate) page: Page,
    pub(crate) filter: Option<Value>,
    pub(crate) sort: Vec<String>,
    pub(crate) distinct: Option<String>,
    pub(crate) facets: Option<Vec<String>>,
    pub(crate) strategy: Strategy,
    pub(crate) search_on: Option<Vec<String>>,
    pub(crate) retrieve: Option<Vec<String>>,
    pub(crate) highlight: Option<Vec<String>>,
    pub(crate) highlight_tags: (String, String),
    pub(crate) score_threshold: Option<f64>,
    pub(crate) show_score: bool,
    pub(crate) show_score_details: bool,
    pub(crate) show_matches_position: bool,
    pub(crate) retrieve_vectors: bool,
}

/// A document with the details of its rank.
struct Ranked<'d> {
    stored: &'d Stored,
    details: Vec<Detail>,
}

/// Searches and returns the body of the response, without processing time and uid.
pub(crate) fn search(
    index: &Index,
    uid: &str,
    request: &SearchRequest,
) -> Result<Map<String, Value>, ApiError> {
    let query = Query::parse(&request.q, &index.settings);
    let ranked = ranked(index, uid, request, &query)?;
    let mut body = Map::new();
    if let Some(facets) = request.facets.as_ref().filter(|facets| !facets.is_empty()) {
        let documents: Vec<&Stored> = ranked.iter().map(|ranked| ranked.stored).collect();
        let Facets { distribution, stats } =
            facet::count(facets, &index.settings, index.documents.fields(), &documents)?;
        body.insert("facetDistribution".to_owned(), Value::Object(distribution));
        body.insert("facetStats".to_owned(), Value::Object(stats));
    }
    let total = ranked.len();
    let (offset, limit) = match request.page {
        Page::Offset { offset, limit } => {
            body.extend(fields(json!({ "limit": limit, "offset": offset, "estimatedTotalHits": total })));
            (offset, limit)
        }
        Page::Numbered { page, hits_per_page } => {
            let pages = total.checked_div(hits_per_page).unwrap_or(0)
                + usize::from(hits_per_page > 0 && total % hits_per_page > 0);
            body.extend(fields(json!({
                "hitsPerPage": hits_per_page, "page": page, "totalPages": pages, "totalHits": total,
            })));
            match page.checked_sub(1) {
                Some(before) => (before.saturating_mul(hits_per_page), hits_per_page),
                None => (0, 0),
            }
        }
    };
    let reachable = index.settings.number("pagination", "maxTotalHits");
    let shown = ranked.iter().take(reachable).skip(offset).take(limit);
    let hits: Vec<Value> = shown.map(|ranked| hit(index, request, &query, ranked)).collect();
    body.insert("hits".to_owned(), Value::Array(hits));
    body.insert("query".to_owned(), json!(request.q));
    Ok(body)
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Returns every document that matches, best first.
fn ranked<'d>(
    index: &'d Index,
    uid: &str,
    request: &SearchRequest,
    query: &Query,
) -> Result<Vec<Ranked<'d>>, ApiError> {
    let settings = &index.settings;
    let filter = match &request.filter {
        Some(filter) => filter::parse(filter, "invalid_search_filter")?,
        None => None,
    };
    if let Some(filter) = &filter {
        filter.check(settings, "invalid_search_filter").map_err(|error| error.in_index(uid))?;
    }
    let sorts = sort::parse(&request.sort, "invalid_search_sort")?;
    sort::check(&sorts, settings, "invalid_search_sort").map_err(|error| error.in_index(uid))?;
    if !sorts.is_empty() && !settings.texts("rankingRules").contains(&"sort") {
        let message = "You must specify where `sort` is listed in the rankingRules setting to use the sort parameter at search time.";
        return Err(ApiError::invalid("invalid_search_sort", message).in_index(uid));
    }
    check_search_on(index, request).map_err(|error| error.in_index(uid))?;
    let distinct = distinct_attribute(index, request).map_err(|error| error.in_index(uid))?;
    let passes = |stored: &&Stored| filter.as_ref().is_none_or(|filter| filter.matches(&stored.document));
    let candidates: Vec<&Stored> = index.documents.iter().filter(passes).collect();
    let paths = index.documents.fields();
    let mut ranker =
        Ranker::new(query, settings, paths, request.search_on.as_deref(), &sorts, request.strategy);
    ranker.count_words(candidates.iter().copied());
    let found =
        candidates.into_iter().filter_map(|stored| Some(Ranked { stored, details: ranker.rank(stored)? }));
    let good_enough = |ranked: &Ranked| {
        request.score_threshold.is_none_or(|threshold| global_score(&ranked.details) >= threshold)
    };
    let mut found: Vec<Ranked> = found.filter(good_enough).collect();
    // The sort is stable, so equal documents stay in order of arrival.
    found.sort_by(|left, right| compare(&left.details, &right.details));
    if let Some(attribute) = distinct {
        keep_distinct(&mut found, attribute);
    }
    Ok(found)
}

/// Refuses `attributesToSearchOn` outside the searchable attributes, if those are restricted.
fn check_search_on(index: &Index, request: &SearchRequest) -> Result<(), ApiError> {
    let searchable = index.settings.texts("searchableAttributes");
    if searchable.contains(&"*") {
        return Ok(());
    }
    let is_known = |wanted: &str| {
        wanted == "*"
            || searchable.iter().any(|known| pattern_covers(wanted, known) || pattern_covers(known, wanted))
    };
    match request.search_on.iter().flatten().find(|wanted| !is_known(wanted)) {
        None => Ok(()),
        Some(bad) => {
            let known = searchable.join(", ");
            let message = format!(
                "Attribute `{bad}` is not searchable. Available searchable attributes are: `{known}`."
            );
            Err(ApiError::invalid("invalid_search_attributes_to_search_on", message))
        }
    }
}

fn distinct_attribute<'r>(index: &'r Index, request: &'r SearchRequest) -> Result<Option<&'r str>, ApiError> {
    let Some(attribute) = request.distinct.as_deref() else {
        return Ok(index.settings.get("distinctAttribute").as_str());
    };
    if index.settings.is_filterable(attribute) {
        return Ok(Some(attribute));
    }
    let advice = index.settings.filterable_advice();
    let problem = "is not filterable and thus, cannot be used as distinct attribute.";
    Err(ApiError::invalid("invalid_search_distinct", format!("Attribute `{attribute}` {problem} {advice}")))
}

/// Keeps the best document of each value, and all documents without the attribute.
fn keep_distinct(found: &mut Vec<Ranked>, attribute: &str) {
    let mut seen: std::collections::HashSet<String> = std::collections::HashSet::new();
    found.retain(|ranked| {
        let values = ranked.stored.document.scalars_at(attribute);
        let keys: Vec<String> = values
            .into_iter()
            .filter(|value| !value.is_null())
            .map(|value| value.as_str().map_or_else(|| value.to_string(), fold_facet))
            .collect();
        let is_new = !keys.iter().any(|key| seen.contains(key));
        if is_new {
            seen.extend(keys);
        }
        is_new
    });
}

fn hit(index: &Index, request: &SearchRequest, query: &Query, ranked: &Ranked) -> Value {
    let wanted = |path: &str| {
        index.settings.is_displayed(path)
            && request
                .retrieve
                .as_ref()
                .is_none_or(|patterns| patterns.iter().any(|pattern| pattern_covers(pattern, path)))
    };
    let document = &ranked.stored.document;
    let mut hit = select_where(document, wanted);
    if request.retrieve_vectors {
        hit.insert("_vectors".to_owned(), json!({}));
    }
    if let Some(attributes) = &request.highlight {
        let (before, after) = &request.highlight_tags;
        let marker = Marker { query, attributes, before, after };
        let mut formatted = marker.format(document, wanted);
        formatted.retain(|name, _| index.settings.is_displayed(name));
        hit.insert("_formatted".to_owned(), Value::Object(formatted));
    }
    if request.show_matches_position {
        hit.insert(
            "_matchesPosition".to_owned(),
            Value::Object(matches_position(query, document, |path| index.settings.is_displayed(path))),
        );
    }
    if request.show_score {
        hit.insert("_rankingScore".to_owned(), json!(global_score(&ranked.details)));
    }
    if request.show_score_details {
        hit.insert("_rankingScoreDetails".to_owned(), Value::Object(show(&ranked.details)));
    }
    Value::Object(hit)
}
