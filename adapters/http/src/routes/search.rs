//! `/indexes/{index_uid}/search`.
//!
//! A search runs inside the request. If the client disconnects, its fan-out is dropped.

use std::sync::Arc;

use http::Method;
use miroir_domain::error::ErrorCode;
use miroir_domain::search::SearchRequest;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const SEARCH: &str = "/indexes/{index_uid}/search";
/// The description of every search.
pub(super) const TEXT: &str = "A search is sent to a covering set of nodes, and the hits are merged in the order of a single server. If no replica in sync serves a shard, the response is either degraded, with the shard in `X-Miroir-Degraded`, or 503, as set by `cluster.search_policy`.";

/// The query parameters that [`SearchRequest::from_parameters`] reads.
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
    let routes = [
        Route::new(
            Method::GET,
            SEARCH,
            "searchByUrl",
            "Search an index, with the parameters in the query",
            search_by_url,
        )
        .parsed_query(QUERY)
        .refuses(&[ErrorCode::MissingSearchHybrid]),
        Route::new(Method::POST, SEARCH, "search", "Search an index", search_by_body)
            .any_instance()
            .body("SearchQuery"),
    ];
    let shared =
        |route: Route| route.text(TEXT).reads("The hits.", "SearchResponse").refuses_all("invalid_search_");
    routes.map(shared).into()
}

async fn search_by_url(apis: Arc<Apis>, request: Request) -> Outcome {
    let search = SearchRequest::from_parameters(request.query.pairs())?;
    Reply::read(apis.search.search(request.index()?, search).await?)
}

async fn search_by_body(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let index = request.index()?;
    let search = SearchRequest::from_json(request.json().await?)?;
    Reply::read(apis.search.search(index, search).await?)
}
