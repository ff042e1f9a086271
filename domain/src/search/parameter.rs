//! The parameters of a search: their names, their error codes and their JSON types.
//!
//! A node would refuse a wrong value itself. Miroir needs most of the values for the merge, and an early
//! refusal costs no node anything. Names, order and sentences are those of Meilisearch 1.50, which lists the
//! names in this order when it refuses an unknown one.

use serde_json::Value;

use super::filter;
use crate::error::{ErrorCode, InvalidRequest};
use crate::wording::{NAME_CHARS, VALUE_CHARS, excerpt, list, wrong_type};

/// The JSON type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string; null where `nullable`.
    Text { nullable: bool },
    /// A whole number that fits 64 bits; null where `nullable`.
    Count { nullable: bool },
    /// True or false; null where `nullable`.
    Flag { nullable: bool },
    /// An array of strings, or null.
    Texts,
    /// An array of numbers, or null.
    Numbers,
    /// A string, an array of strings and of arrays of strings, or null.
    Filter,
    /// `last`, `all` or `frequency`.
    Strategy,
    /// A number from 0 to 1, or null.
    Threshold,
    /// An object, or null. The nodes check its content.
    Object,
    /// Anything. The nodes check it.
    Any,
}

/// One parameter of `POST …/search`.
pub(super) struct Parameter {
    /// Its key in the body.
    pub(super) name: &'static str,
    /// Its type.
    pub(super) shape: Shape,
    /// The code of its refusal.
    pub(super) code: ErrorCode,
}

macro_rules! parameters {
    ($($name:literal: $shape:expr, $code:ident;)*) => {
        &[$(Parameter { name: $name, shape: $shape, code: ErrorCode::$code },)*]
    };
}

/// Every parameter of `POST …/search`.
pub(super) const PARAMETERS: &[Parameter] = parameters! {
    "q": Shape::Text { nullable: true }, InvalidSearchQ;
    "offset": Shape::Count { nullable: false }, InvalidSearchOffset;
    "limit": Shape::Count { nullable: false }, InvalidSearchLimit;
    "page": Shape::Count { nullable: true }, InvalidSearchPage;
    "hitsPerPage": Shape::Count { nullable: true }, InvalidSearchHitsPerPage;
    "attributesToRetrieve": Shape::Texts, InvalidSearchAttributesToRetrieve;
    "attributesToCrop": Shape::Texts, InvalidSearchAttributesToCrop;
    "cropLength": Shape::Count { nullable: false }, InvalidSearchCropLength;
    "cropMarker": Shape::Text { nullable: false }, InvalidSearchCropMarker;
    "attributesToHighlight": Shape::Texts, InvalidSearchAttributesToHighlight;
    "highlightPreTag": Shape::Text { nullable: false }, InvalidSearchHighlightPreTag;
    "highlightPostTag": Shape::Text { nullable: false }, InvalidSearchHighlightPostTag;
    "showMatchesPosition": Shape::Flag { nullable: false }, InvalidSearchShowMatchesPosition;
    "filter": Shape::Filter, InvalidSearchFilter;
    "sort": Shape::Texts, InvalidSearchSort;
    "distinct": Shape::Text { nullable: true }, InvalidSearchDistinct;
    "facets": Shape::Texts, InvalidSearchFacets;
    "matchingStrategy": Shape::Strategy, InvalidSearchMatchingStrategy;
    "attributesToSearchOn": Shape::Texts, InvalidSearchAttributesToSearchOn;
    "rankingScoreThreshold": Shape::Threshold, InvalidSearchRankingScoreThreshold;
    "locales": Shape::Texts, InvalidSearchLocales;
    "hybrid": Shape::Object, InvalidSearchHybridQuery;
    "vector": Shape::Numbers, InvalidSearchVector;
    "retrieveVectors": Shape::Flag { nullable: false }, InvalidSearchRetrieveVectors;
    "media": Shape::Any, InvalidSearchMedia;
    "personalize": Shape::Object, InvalidSearchPersonalize;
    "useNetwork": Shape::Flag { nullable: true }, InvalidSearchUseNetwork;
    "showRankingScore": Shape::Flag { nullable: false }, InvalidSearchShowRankingScore;
    "showRankingScoreDetails": Shape::Flag { nullable: false }, InvalidSearchShowRankingScoreDetails;
    "showPerformanceDetails": Shape::Flag { nullable: false }, InvalidSearchShowPerformanceDetails;
};

/// The values of `matchingStrategy`.
pub(super) const STRATEGIES: [&str; 3] = ["last", "all", "frequency"];

/// The sentence for a threshold that is not a number from 0 to 1.
pub(super) const THRESHOLD_RANGE: &str =
    "the value of `rankingScoreThreshold` is invalid, expected a float between `0.0` and `1.0`.";

/// Checks one member of a body. An unknown name is `bad_request`, as on a server.
pub(super) fn check(name: &str, value: &Value) -> Result<(), InvalidRequest> {
    let Some(parameter) = PARAMETERS.iter().find(|parameter| parameter.name == name) else {
        return Err(unknown("field", name, PARAMETERS.iter().map(|parameter| parameter.name)));
    };
    parameter.check(value).map_err(|message| InvalidRequest::new(parameter.code, message))
}

/// Refuses a name that is none of `known`.
pub(super) fn unknown<'a>(noun: &str, name: &str, known: impl Iterator<Item = &'a str>) -> InvalidRequest {
    let (name, known) = (excerpt(name, NAME_CHARS), list(known));
    InvalidRequest::new(ErrorCode::BadRequest, format!("Unknown {noun} `{name}`: expected one of {known}"))
}

impl Parameter {
    fn check(&self, value: &Value) -> Result<(), String> {
        let path = format!(".{}", self.name);
        match self.shape {
            Shape::Text { nullable: true }
            | Shape::Count { nullable: true }
            | Shape::Flag { nullable: true }
            | Shape::Texts
            | Shape::Numbers
            | Shape::Filter
            | Shape::Threshold
            | Shape::Object
                if value.is_null() =>
            {
                Ok(())
            }
            Shape::Text { .. } => expect(value.is_string(), &path, "a string", value),
            Shape::Count { .. } => expect(value.is_u64(), &path, "a positive integer", value),
            Shape::Flag { .. } => expect(value.is_boolean(), &path, "a boolean", value),
            Shape::Object => expect(value.is_object(), &path, "an object", value),
            Shape::Texts => check_items(&path, value, "a string", Value::is_string),
            Shape::Numbers => check_items(&path, value, "a number", Value::is_number),
            Shape::Filter => filter::check(value),
            Shape::Strategy => check_strategy(&path, value),
            Shape::Threshold => check_threshold(&path, value),
            Shape::Any => Ok(()),
        }
    }
}

fn check_items(path: &str, value: &Value, expected: &str, accepts: fn(&Value) -> bool) -> Result<(), String> {
    let Value::Array(items) = value else {
        return Err(wrong_type(path, "an array", value));
    };
    for (position, item) in items.iter().enumerate() {
        expect(accepts(item), &format!("{path}[{position}]"), expected, item)?;
    }
    Ok(())
}

fn check_strategy(path: &str, value: &Value) -> Result<(), String> {
    let Value::String(strategy) = value else {
        return Err(wrong_type(path, "a string", value));
    };
    if STRATEGIES.contains(&strategy.as_str()) {
        return Ok(());
    }
    let (strategy, known) = (excerpt(strategy, VALUE_CHARS), list(STRATEGIES));
    Err(format!("Unknown value `{strategy}` at `{path}`: expected one of {known}"))
}

fn check_threshold(path: &str, value: &Value) -> Result<(), String> {
    let Some(threshold) = value.as_f64() else {
        return Err(wrong_type(path, "a number", value));
    };
    if (0.0..=1.0).contains(&threshold) {
        return Ok(());
    }
    Err(format!("Invalid value at `{path}`: {THRESHOLD_RANGE}"))
}

fn expect(holds: bool, path: &str, expected: &str, found: &Value) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong_type(path, expected, found)) }
}
