//! `/indexes/{index_uid}/search` and `/multi-search`.

use miroir_domain::error::ErrorCode;

use super::Operation;

const DESCRIPTION: &str = "A search is answered by a covering set of nodes and merged in the order of a single server. Where no node serves a shard, `X-Miroir-Degraded` says so, or the answer is 503, as `cluster.search_policy` wants it.";

pub(super) fn operations() -> Vec<Operation> {
    let search = "/indexes/{index_uid}/search";
    let about = [
        Operation::new("GET", search, "searchByUrl", "Search")
            .takes_all("search.")
            .reads("The hits.", "SearchResponse")
            .refuses(&[ErrorCode::MissingSearchHybrid]),
        Operation::new("POST", search, "search", "Search")
            .body("SearchQuery")
            .reads("The hits.", "SearchResponse"),
        Operation::new("POST", "/multi-search", "multiSearch", "Several searches, each as if it came alone")
            .body("MultiSearchQuery")
            .reads("The answers, in the order of the queries.", "MultiSearchResponse")
            .refuses(&[
                ErrorCode::MissingIndexUid,
                ErrorCode::InvalidIndexUid,
                ErrorCode::MiroirNotSupported,
            ]),
    ];
    let about =
        about.map(|operation| operation.anywhere().description(DESCRIPTION).refuses_all("invalid_search_"));
    about.into_iter().map(|operation| operation.tag("search")).collect()
}
