//! Checking a value against its shape, with refusals in Meilisearch's words.

use std::fmt;

use serde_json::{Map, Value};

use super::ranking_rule;
use super::shape::{FILTERABLE_RULE, Field, ONE_TYPO, Presence, Shape, TWO_TYPOS, WORD_SIZES};
use crate::wording::{self, NAME_CHARS, VALUE_CHARS, excerpt};

/// The place of a value in the body: `.rankingRules[0]`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => write!(formatter, "{parent}.{}", excerpt(key, NAME_CHARS)),
            Self::Index(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

impl Place<'_> {
    /// Returns the place after a word. Returns nothing for the body itself.
    fn preceded_by(&self, word: &str) -> String {
        if matches!(self, Self::Root) { String::new() } else { format!(" {word} `{self}`") }
    }
}

fn wrong_type(expected: &str, found: &Value, place: &Place<'_>) -> String {
    wording::wrong_type(&place.to_string(), expected, found)
}

fn wrong_value(place: &Place<'_>, why: &str) -> String {
    format!("Invalid value{}: {why}", place.preceded_by("at"))
}

/// Checks that `value` has `shape`; the error names the fault and its place. The recursion is as deep as the
/// shape, not as the value.
pub(super) fn check(shape: &Shape, value: &Value, place: &Place<'_>) -> Result<(), String> {
    let wrong = |expected| Err(wrong_type(expected, value, place));
    match (shape, value) {
        (Shape::Any, _)
        | (Shape::AnyObject, Value::Object(_))
        | (Shape::Boolean, Value::Bool(_))
        | (Shape::Text | Shape::FilterableRule, Value::String(_))
        | (Shape::Number, Value::Number(_)) => Ok(()),
        (Shape::Unsigned(most), value) => check_unsigned(*most, value, place),
        (Shape::NonZero, value) => check_non_zero(value, place),
        (Shape::OneOf(words), Value::String(word)) => check_word(words, word, place),
        (Shape::RankingRule, Value::String(rule)) => {
            ranking_rule::check(rule).map_err(|why| wrong_value(place, &why))
        }
        (Shape::FilterableRule, Value::Object(_)) => check(&FILTERABLE_RULE, value, place),
        (Shape::List(item), Value::Array(items)) => check_items(item, items, place),
        (Shape::WordSet, Value::Array(items)) => check_items(&Shape::Text, items, place),
        (Shape::Map { value: shape, nullable }, Value::Object(entries)) => entries
            .iter()
            .filter(|(_, entry)| !(*nullable && entry.is_null()))
            .try_for_each(|(key, entry)| check(shape, entry, &Place::Key(place, key))),
        (Shape::Object(fields), Value::Object(entries)) => check_fields(fields, entries, place),
        (Shape::WordSizes, value) => check_word_sizes(value, place),
        (Shape::Boolean, _) => wrong("a boolean"),
        (Shape::Number, _) => wrong("a number"),
        (Shape::Text | Shape::OneOf(_) | Shape::RankingRule | Shape::FilterableRule, _) => wrong("a string"),
        (Shape::List(_) | Shape::WordSet, _) => wrong("an array"),
        (Shape::AnyObject | Shape::Map { .. } | Shape::Object(_), _) => wrong("an object"),
    }
}

fn check_unsigned(most: u64, value: &Value, place: &Place<'_>) -> Result<(), String> {
    match value.as_u64() {
        None => Err(wrong_type("a positive integer", value, place)),
        Some(number) if number > most => Err(wrong_value(
            place,
            &format!(
                "value: `{number}` is too large to be deserialized, maximum value authorized is `{most}`"
            ),
        )),
        Some(_) => Ok(()),
    }
}

fn check_non_zero(value: &Value, place: &Place<'_>) -> Result<(), String> {
    check_unsigned(u64::MAX, value, place)?;
    if value.as_u64() != Some(0) {
        return Ok(());
    }
    let most = u64::MAX;
    Err(wrong_value(
        place,
        &format!("a non-zero integer value lower than `{most}` was expected, but found a zero"),
    ))
}

fn check_word(words: &[&str], word: &str, place: &Place<'_>) -> Result<(), String> {
    if words.contains(&word) {
        return Ok(());
    }
    let accepted = wording::expected_one_of(word, words);
    Err(format!("Unknown value `{}`{}: {accepted}", excerpt(word, VALUE_CHARS), place.preceded_by("at")))
}

fn check_items(item: &Shape, items: &[Value], place: &Place<'_>) -> Result<(), String> {
    let mut numbered = items.iter().enumerate();
    numbered.try_for_each(|(index, value)| check(item, value, &Place::Index(place, index)))
}

/// Checks the present keys in their order, then that no required key is missing.
fn check_fields(fields: &[Field], entries: &Map<String, Value>, place: &Place<'_>) -> Result<(), String> {
    for (key, value) in entries {
        let Some(field) = fields.iter().find(|field| field.name == key) else {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let accepted = wording::expected_one_of(key, &names);
            return Err(format!(
                "Unknown field `{}`{}: {accepted}",
                excerpt(key, NAME_CHARS),
                place.preceded_by("inside")
            ));
        };
        if value.is_null() && matches!(field.presence, Presence::Resettable) {
            continue;
        }
        check(field.shape, value, &Place::Key(place, key))?;
    }
    let required = |field: &&Field| matches!(field.presence, Presence::Required);
    match fields.iter().filter(required).find(|field| !entries.contains_key(field.name)) {
        Some(field) => Err(format!("Missing field `{}`{}", field.name, place.preceded_by("inside"))),
        None => Ok(()),
    }
}

fn check_word_sizes(value: &Value, place: &Place<'_>) -> Result<(), String> {
    check(&WORD_SIZES, value, place)?;
    let size = |name| value.get(name).and_then(Value::as_u64);
    match size(ONE_TYPO).zip(size(TWO_TYPOS)) {
        Some((one, two)) if one > two => Err(wrong_value(
            place,
            &format!(
                "`minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields should be between \
                 `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo` but found \
                 `oneTypo: {one}` and twoTypos: {two}`."
            ),
        )),
        _ => Ok(()),
    }
}
