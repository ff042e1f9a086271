//! `/indexes/{index_uid}/search`.
//!
//! A search runs inside the request and nowhere else: when the client goes away, the fan-out is dropped with it.

use std::sync::Arc;

use http::Method;
use miroir_domain::search::SearchRequest;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const SEARCH: &str = "/indexes/{index_uid}/search";

/// As [`SearchRequest::from_parameters`] reads them.
const QUERY: &[&str] = &[
    "search.q",
    "search.offset",
    "search.limit",
    "search.page",
    "search.hitsPerPage",
    "search.attributesToRetrieve",
    "search.attributesToCrop",
    "search.cropLength",
    "search.cropMarker",
    "search.attributesToHighlight",
    "search.highlightPreTag",
    "search.highlightPostTag",
    "search.showMatchesPosition",
    "search.filter",
    "search.sort",
    "search.distinct",
    "search.facets",
    "search.matchingStrategy",
    "search.attributesToSearchOn",
    "search.rankingScoreThreshold",
    "search.locales",
    "search.hybridEmbedder",
    "search.hybridSemanticRatio",
    "search.vector",
    "search.retrieveVectors",
    "search.personalizeUserContext",
    "search.useNetwork",
    "search.showRankingScore",
    "search.showRankingScoreDetails",
    "search.showPerformanceDetails",
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::client(Method::GET, SEARCH, search_by_url).parsed_query(QUERY),
        Route::client(Method::POST, SEARCH, search_by_body).anywhere(),
    ]
}

async fn search_by_url(apis: Arc<Apis>, request: Request) -> Outcome {
    let search = SearchRequest::from_parameters(request.query.pairs())?;
    Reply::answer(apis.search.search(request.index()?, search).await?)
}

async fn search_by_body(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let index = request.index()?;
    let search = SearchRequest::from_json(request.json().await?)?;
    Reply::answer(apis.search.search(index, search).await?)
}
