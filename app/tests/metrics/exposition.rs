//! A parser of the text format of Prometheus.

use std::collections::{BTreeMap, BTreeSet};

/// A family of metrics.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    /// The labels of its series, without `le`.
    pub labels: BTreeSet<String>,
    pub series: Vec<(String, BTreeMap<String, String>, f64)>,
}

/// Returns the families of a text, by name.
pub fn parse(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            name.clone_into(&mut current);
            help.clone_into(&mut families.entry(current.clone()).or_default().help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current, "a type without its help");
            kind.clone_into(&mut families.get_mut(name).unwrap().kind);
        } else {
            let (name, labels, value) = series(line);
            assert!(name.starts_with(&current), "{name} is below {current}");
            let family = families.get_mut(&current).unwrap();
            family.labels.extend(labels.keys().filter(|label| *label != "le").cloned());
            family.series.push((name, labels, value));
        }
    }
    families
}

fn series(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (head, value) = line.rsplit_once(' ').unwrap();
    let value = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
    let Some((name, rest)) = head.split_once('{') else { return (head.to_owned(), BTreeMap::new(), value) };
    let mut labels = BTreeMap::new();
    let mut rest = rest.strip_suffix('}').unwrap();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap();
        // No value has a quotation mark, because none comes from a client.
        let (text, after) = after.split_once('"').unwrap();
        labels.insert(label.to_owned(), text.to_owned());
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (name.to_owned(), labels, value)
}
