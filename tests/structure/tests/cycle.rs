//! No crate has a circle of imports: neither among its files nor among sibling modules.

use miroir_test_structure::cycle::Graph;
use miroir_test_structure::module::Crate;
use miroir_test_structure::tree;

fn circles(kind: &str, folder: &str, graph: &Graph) -> Vec<String> {
    let circles = graph.circles();
    circles
        .iter()
        .map(|circle| format!("{folder}, {kind}:\n  {}", graph.inside(circle).join("\n  ")))
        .collect()
}

#[test]
fn no_crate_has_a_circle_of_imports() {
    let mut found = Vec::new();
    let mut arrows = 0;
    for folder in tree::crates() {
        let read = Crate::read(&folder);
        let files = read.file_graph();
        arrows += files.len();
        found.extend(circles("files", &folder, &files));
        found.extend(circles("sibling modules", &folder, &read.sibling_graph()));
    }
    assert!(arrows > 500, "only {arrows} arrows were read");
    assert!(found.is_empty(), "{} circles:\n{}", found.len(), found.join("\n"));
}
