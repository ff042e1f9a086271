//! The same documents and the same searches, sent to one Meilisearch and to a cluster of three behind Miroir: the
//! answers must be the same, but for what the engine itself makes differ. `docs/search-fidelity.md` lists that.
//!
//! | module | what it does |
//! |---|---|
//! | `random`, `vocabulary`, `corpus` | make the documents |
//! | `query` | makes the searches |
//! | `fixture` | starts the servers and loads them |
//! | `difference` | finds in what two answers differ |
//! | `rank`, `evidence` | find out who is to blame |
//! | `verdict`, `summary` | judge a difference, count, and draw the line |

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

/// Fewer would prove little.
const FEWEST_QUERIES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn cluster_answers_as_one_server_does() {
    let works = corpus::works(corpus::WORKS);
    let queries = query::all(&works);
    let fixture = fixture::start(&works).await.expect("the servers start and take the documents");
    let mut summary = Summary::default();
    for query in &queries {
        let verdict = verdict::judge(&fixture, query).await;
        let verdict = verdict.unwrap_or_else(|error| panic!("{} {}: {error:#}", query.index, query.body));
        summary.add(query, verdict);
    }
    // The logs of servers that end in a panic would bury what is printed here.
    drop(fixture);
    println!("{summary}");
    assert!(summary.queries() >= FEWEST_QUERIES, "only {} queries", summary.queries());
    let faults = summary.faults();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
