//! A parser of Prometheus expressions.

use std::collections::{BTreeMap, BTreeSet};

use miroir_http::route_list;

use super::exposition::Family;

/// Labels that Prometheus adds to scraped metrics.
const OF_THE_TARGET: [&str; 2] = ["job", "instance"];
/// Words that are followed by labels in parentheses.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Operators, and aggregations that can be followed by a grouping.
const WORDS: [&str; 16] = [
    "and", "or", "unless", "bool", "offset", "sum", "min", "max", "avg", "count", "stddev", "topk",
    "bottomk", "quantile", "group", "inf",
];

/// The metrics and labels of an expression.
#[derive(Debug, Default)]
pub struct Contents {
    /// Each metric with its matchers: a label and a text.
    pub metrics: Vec<(String, Vec<(String, String)>)>,
    /// The labels of groupings.
    pub grouped: BTreeSet<String>,
}

struct Reader<'a> {
    rest: &'a str,
    contents: Contents,
}

/// Parses an expression. Names other than functions and keywords are metrics.
pub fn read(expression: &str) -> Contents {
    let mut reader = Reader { rest: expression, contents: Contents::default() };
    while let Some(next) = reader.rest.chars().next() {
        if next.is_ascii_alphabetic() || next == '_' {
            reader.name();
        } else if next.is_ascii_digit() {
            // A number, or a duration such as 5m.
            reader.take(|letter| letter.is_ascii_alphanumeric() || letter == '.');
        } else if next == '[' {
            reader.rest = reader.rest.split_once(']').expect("a range ends").1;
        } else if next == '"' {
            reader.string();
        } else {
            reader.rest = &reader.rest[next.len_utf8()..];
        }
    }
    reader.contents
}

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !wanted(letter)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        self.take(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
    }

    fn string(&mut self) -> &'a str {
        let (text, rest) = self.rest[1..].split_once('"').expect("a text ends");
        self.rest = rest;
        text
    }

    fn name(&mut self) {
        let name = self.word();
        self.rest = self.rest.trim_start();
        if GROUPING.contains(&name) {
            let (list, rest) = self.rest[1..].split_once(')').expect("a grouping ends");
            self.contents.grouped.extend(list.split(',').map(|label| label.trim().to_owned()));
            self.rest = rest;
        } else if self.rest.starts_with('(') || WORDS.contains(&name) {
            // A function, or a word.
        } else {
            let matchers = self.matchers();
            self.contents.metrics.push((name.to_owned(), matchers));
        }
    }

    fn matchers(&mut self) -> Vec<(String, String)> {
        let mut matchers = Vec::new();
        if !self.rest.starts_with('{') {
            return matchers;
        }
        self.rest = &self.rest[1..];
        while !self.rest.starts_with('}') {
            let label = self.word().to_owned();
            self.take(|letter| "=!~ ".contains(letter));
            matchers.push((label, self.string().to_owned()));
            self.take(|letter| ", ".contains(letter));
        }
        self.rest = &self.rest[1..];
        matchers
    }
}

/// Returns the mistakes of an expression, given the exported metrics.
pub fn faults(expression: &str, exported: &BTreeMap<String, Family>) -> Vec<String> {
    let contents = read(expression);
    let mut faults = Vec::new();
    let mut labels: BTreeSet<&str> = OF_THE_TARGET.into();
    if contents.metrics.is_empty() {
        faults.push(format!("no metric in `{expression}`"));
    }
    for (name, matchers) in &contents.metrics {
        let Some(family) = family(name, exported) else {
            faults.push(format!("`{name}` is not exported, in `{expression}`"));
            continue;
        };
        let mut own: BTreeSet<&str> = family.labels.iter().map(String::as_str).chain(OF_THE_TARGET).collect();
        if name.ends_with("_bucket") {
            own.insert("le");
        }
        for (label, text) in matchers {
            if !own.contains(label.as_str()) {
                faults.push(format!("`{name}` has no label `{label}`, in `{expression}`"));
            }
            if label == "route" && !route_list().iter().any(|route| route.template == *text) {
                faults.push(format!("there is no route `{text}`, in `{expression}`"));
            }
        }
        labels.extend(own);
    }
    let unknown = contents.grouped.iter().filter(|label| !labels.contains(label.as_str()));
    faults.extend(unknown.map(|label| format!("nothing has the label `{label}`, in `{expression}`")));
    faults
}

/// Returns the family of a series. A histogram has three kinds of series.
fn family<'a>(name: &str, exported: &'a BTreeMap<String, Family>) -> Option<&'a Family> {
    let of_histogram = || {
        let parts = ["_bucket", "_sum", "_count"].into_iter();
        let mut bases = parts.filter_map(|part| name.strip_suffix(part));
        bases.find_map(|base| exported.get(base)).filter(|family| family.kind == "histogram")
    };
    exported.get(name).filter(|family| family.kind != "histogram").or_else(of_histogram)
}

#[test]
fn read_finds_metrics_and_labels() {
    let contents = read(
        r#"sum by (le, node) (rate(a_bucket{x=~"b|{c}",y!="d"}[5m])) / on (node) group_left() (e offset 1h > 0.5) and absent(f:g)"#,
    );
    let names: Vec<&str> = contents.metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a_bucket", "e", "f:g"]);
    let matcher = |label: &str, text: &str| (label.to_owned(), text.to_owned());
    assert_eq!(contents.metrics[0].1, [matcher("x", "b|{c}"), matcher("y", "d")]);
    assert!(contents.grouped.contains("le") && contents.grouped.contains("node"));
}

#[test]
fn faults_finds_mistakes() {
    let exported = super::exposition::parse(
        "# HELP a h\n# TYPE a gauge\na{node=\"n\"} 1\n# HELP h h\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
    );
    for valid in ["a", "sum by (node) (a{job=\"x\"})", "sum by (le) (rate(h_bucket[5m]))", "h_count"] {
        assert!(faults(valid, &exported).is_empty(), "{valid}: {:?}", faults(valid, &exported));
    }
    for wrong in [
        "b",
        "a_bucket",
        "h",
        "1",
        "a{shard=\"x\"}",
        "sum by (shard) (a)",
        "sum by (le) (a)",
        "rate(h_total[5m])",
    ] {
        assert!(!faults(wrong, &exported).is_empty(), "{wrong}");
    }
}
