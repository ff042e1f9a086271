//! `_formatted` and `_matchesPosition`: the places of a query's words in the values of a document.

use serde_json::{Map, Value, json};

use super::query::{Query, Term};
use crate::document::Document;
use crate::settings::pattern_covers;
use crate::tokenize::{Token, tokenize};

/// A matched part of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
}

/// The format of marked matches.
pub(crate) struct Marker<'q> {
    pub(crate) query: &'q Query,
    /// Patterns of the attributes in which matches are marked.
    pub(crate) attributes: &'q [String],
    pub(crate) before: &'q str,
    pub(crate) after: &'q str,
}

impl Marker<'_> {
    /// Returns the attributes that pass `shown` or have marks, with numbers as text and matches marked.
    pub(crate) fn format(&self, document: &Document, shown: impl Fn(&str) -> bool) -> Map<String, Value> {
        let selected = super::select::select_where(document, |path| shown(path) || self.marks(path));
        selected.into_iter().map(|(name, value)| (name.clone(), self.value(&name, value))).collect()
    }

    fn marks(&self, path: &str) -> bool {
        self.attributes.iter().any(|pattern| pattern_covers(pattern, path))
    }

    fn value(&self, path: &str, value: Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(path, &text)),
            Value::Number(number) => Value::from(self.text(path, &number.to_string())),
            Value::Array(items) => items.into_iter().map(|item| self.value(path, item)).collect(),
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(key, inner)| (key.clone(), self.value(&format!("{path}.{key}"), inner)))
                    .collect(),
            ),
            other => other,
        }
    }

    fn text(&self, path: &str, text: &str) -> String {
        if !self.marks(path) {
            return text.to_owned();
        }
        let mut marked = String::with_capacity(text.len());
        let mut at = 0;
        for span in spans(self.query, text) {
            marked.push_str(&text[at..span.start]);
            marked.push_str(self.before);
            marked.push_str(&text[span.start..span.end]);
            marked.push_str(self.after);
            at = span.end;
        }
        marked.push_str(&text[at..]);
        marked
    }
}

/// Returns `_matchesPosition` of a document, for the attributes that pass `shown`.
pub(crate) fn matches_position(
    query: &Query,
    document: &Document,
    shown: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let mut positions: Map<String, Value> = Map::new();
    for (path, values) in document.flattened() {
        if !shown(&path) {
            continue;
        }
        let is_list = values.len() > 1 || document.get_nested(&path).is_some_and(Value::is_array);
        let mut found = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            for span in spans(query, &text) {
                let mut position = json!({ "start": span.start, "length": span.end - span.start });
                if is_list {
                    position["indices"] = json!([index]);
                }
                found.push(position);
            }
        }
        if !found.is_empty() {
            positions.insert(path, Value::Array(found));
        }
    }
    positions
}

/// Returns the matched parts of a text, in order and without overlaps.
fn spans(query: &Query, text: &str) -> Vec<Span> {
    let tokens = tokenize(text);
    let mut spans: Vec<Span> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if spans.last().is_some_and(|last| token.start < last.end) {
            continue;
        }
        spans.extend(query.terms.iter().find_map(|term| span(term, &tokens[index..], token, text)));
    }
    spans
}

fn phrase_span(words: &[String], rest: &[Token]) -> Option<Span> {
    let window = rest.get(..words.len())?;
    let is_phrase = window.iter().zip(words).all(|(token, word)| token.word == *word);
    is_phrase.then(|| Span { start: window[0].start, end: window[window.len() - 1].end })
}

fn span(term: &Term, rest: &[Token], token: &Token, text: &str) -> Option<Span> {
    if term.is_phrase {
        return phrase_span(&term.words, rest);
    }
    if term.matches(&token.word).is_none() {
        return term.synonyms.iter().find_map(|words| phrase_span(words, rest));
    }
    // In a longer word that begins with the query word, only the length of the query word is marked.
    let length = term.words[0].chars().count();
    let original = &text[token.start..token.end];
    let end = match original.char_indices().nth(length) {
        Some((end, _)) if term.is_prefix => token.start + end,
        _ => token.end,
    };
    Some(Span { start: token.start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn matched_words_and_beginnings_are_marked() {
        let query = Query::parse("woman wonder", &Settings::default());
        let attributes = ["*".to_owned()];
        let marker = Marker { query: &query, attributes: &attributes, before: "<", after: ">" };
        assert_eq!(marker.text("t", "A wonderful Woman."), "A <wonder>ful <Woman>.");
        assert_eq!(marker.text("t", "nothing"), "nothing");
    }

    #[test]
    fn numbers_become_text() {
        let query = Query::parse("2015", &Settings::default());
        let attributes = ["y".to_owned()];
        let marker = Marker { query: &query, attributes: &attributes, before: "<", after: ">" };
        let document: Document = serde_json::from_str(r#"{"y":2015,"z":1,"n":null,"l":[2]}"#).unwrap();
        let formatted = Value::Object(marker.format(&document, |path| path != "l"));
        assert_eq!(formatted, json!({ "y": "<2015>", "z": "1", "n": null }));
    }
}
