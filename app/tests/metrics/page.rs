//! The page that lists every metric.

use std::collections::{BTreeMap, BTreeSet};

use super::dashboard::file;
use super::run::Run;

/// The type and the labels of a metric.
type Row = (String, BTreeSet<String>);

/// Returns the rows of the table: name, type, labels, unit, meaning.
fn rows() -> BTreeMap<String, Row> {
    let page = file("docs/metrics.md");
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, unit, meaning] = cells.as_slice() else { panic!("five cells: {line}") };
        assert!(!unit.is_empty() && meaning.ends_with('.'), "{line}");
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let labels: BTreeSet<String> = words(labels);
        let row = ((*kind).to_owned(), labels);
        assert!(rows.insert(name.trim_matches('`').to_owned(), row).is_none(), "twice: {line}");
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn page_lists_exactly_the_exported_metrics() {
    let run = Run::used().await;
    let exported: BTreeMap<String, Row> =
        run.families().await.into_iter().map(|(name, family)| (name, (family.kind, family.labels))).collect();
    run.stop().await;
    assert_eq!(rows(), exported, "docs/metrics.md (left) and the exported metrics (right)");
}
