//! The same documents and searches on one Meilisearch and on a cluster of three behind Miroir: the results
//! must be equal, apart from differences that the engine causes. `docs/search-fidelity.md` lists these.
//!
//! | module | purpose |
//! |---|---|
//! | `random`, `vocabulary`, `corpus` | generate the documents |
//! | `query` | generates the searches |
//! | `fixture` | starts the servers and loads them |
//! | `difference` | finds the differences between two responses |
//! | `rank`, `evidence` | find the cause of a difference |
//! | `verdict`, `summary` | classify differences, count them, and compare the counts with limits |

mod corpus;
mod difference;
mod evidence;
mod fixture;
mod query;
mod random;
mod rank;
mod summary;
mod verdict;
mod vocabulary;

use summary::Summary;

/// Minimum number of queries.
const FEWEST_QUERIES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn cluster_returns_the_results_of_one_server() {
    let works = corpus::works(corpus::WORKS);
    let queries = query::all(&works);
    let fixture = fixture::start(&works).await.expect("the servers start and take the documents");
    let mut summary = Summary::default();
    for query in &queries {
        let verdict = verdict::judge(&fixture, query).await;
        let verdict = verdict.unwrap_or_else(|error| panic!("{} {}: {error:#}", query.index, query.body));
        summary.add(query, verdict);
    }
    // The logs that servers print during a panic would hide this output.
    drop(fixture);
    println!("{summary}");
    assert!(summary.queries() >= FEWEST_QUERIES, "only {} queries", summary.queries());
    let faults = summary.faults();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
