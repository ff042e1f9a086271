//! The query parameters of `GET …/search` as the body of `POST …/search`.

use serde_json::{Map, Number, Value};

use super::filter;
use super::parameter::{STRATEGIES, THRESHOLD_RANGE, unknown};
use crate::error::{ErrorCode, InvalidRequest};
use crate::wording::{VALUE_CHARS, excerpt, list};

/// The reading of a parameter's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Count,
    Flag,
    List,
    Numbers,
    Filter,
    Sort,
    Strategy,
    Threshold,
    Ratio,
}

/// Every query parameter with its reading and the code of its refusal, in the order in which a server lists
/// them.
const PARAMETERS: &[(&str, Form, ErrorCode)] = &[
    ("q", Form::Text, ErrorCode::InvalidSearchQ),
    ("offset", Form::Count, ErrorCode::InvalidSearchOffset),
    ("limit", Form::Count, ErrorCode::InvalidSearchLimit),
    ("page", Form::Count, ErrorCode::InvalidSearchPage),
    ("hitsPerPage", Form::Count, ErrorCode::InvalidSearchHitsPerPage),
    ("attributesToRetrieve", Form::List, ErrorCode::InvalidSearchAttributesToRetrieve),
    ("attributesToCrop", Form::List, ErrorCode::InvalidSearchAttributesToCrop),
    ("cropLength", Form::Count, ErrorCode::InvalidSearchCropLength),
    ("cropMarker", Form::Text, ErrorCode::InvalidSearchCropMarker),
    ("attributesToHighlight", Form::List, ErrorCode::InvalidSearchAttributesToHighlight),
    ("highlightPreTag", Form::Text, ErrorCode::InvalidSearchHighlightPreTag),
    ("highlightPostTag", Form::Text, ErrorCode::InvalidSearchHighlightPostTag),
    ("showMatchesPosition", Form::Flag, ErrorCode::InvalidSearchShowMatchesPosition),
    ("filter", Form::Filter, ErrorCode::InvalidSearchFilter),
    ("sort", Form::Sort, ErrorCode::InvalidSearchSort),
    ("distinct", Form::Text, ErrorCode::InvalidSearchDistinct),
    ("facets", Form::List, ErrorCode::InvalidSearchFacets),
    ("matchingStrategy", Form::Strategy, ErrorCode::InvalidSearchMatchingStrategy),
    ("attributesToSearchOn", Form::List, ErrorCode::InvalidSearchAttributesToSearchOn),
    ("rankingScoreThreshold", Form::Threshold, ErrorCode::InvalidSearchRankingScoreThreshold),
    ("locales", Form::List, ErrorCode::InvalidSearchLocales),
    (EMBEDDER, Form::Text, ErrorCode::InvalidSearchEmbedder),
    (RATIO, Form::Ratio, ErrorCode::InvalidSearchSemanticRatio),
    ("vector", Form::Numbers, ErrorCode::InvalidSearchVector),
    ("retrieveVectors", Form::Flag, ErrorCode::InvalidSearchRetrieveVectors),
    (USER_CONTEXT, Form::Text, ErrorCode::InvalidSearchPersonalizeUserContext),
    ("useNetwork", Form::Flag, ErrorCode::InvalidSearchUseNetwork),
    ("showRankingScore", Form::Flag, ErrorCode::InvalidSearchShowRankingScore),
    ("showRankingScoreDetails", Form::Flag, ErrorCode::InvalidSearchShowRankingScoreDetails),
    ("showPerformanceDetails", Form::Flag, ErrorCode::InvalidSearchShowPerformanceDetails),
];

/// Parameters that are members of an object in a body.
const EMBEDDER: &str = "hybridEmbedder";
const RATIO: &str = "hybridSemanticRatio";
const USER_CONTEXT: &str = "personalizeUserContext";

/// Reads decoded query parameters into a body.
pub(super) fn read<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Map<String, Value>, InvalidRequest> {
    // Of a repeated parameter the last one counts; the ones before it are not even read.
    let mut texts: Vec<(&str, &str)> = Vec::new();
    for (name, text) in parameters {
        texts.retain(|(earlier, _)| *earlier != name);
        texts.push((name, text));
    }
    let mut body = Map::new();
    for (name, text) in texts {
        let Some((_, form, code)) = PARAMETERS.iter().find(|(known, ..)| *known == name) else {
            return Err(unknown("parameter", name, PARAMETERS.iter().map(|(known, ..)| *known)));
        };
        let value = form.read(name, text).map_err(|message| InvalidRequest::new(*code, message))?;
        body.insert(name.to_owned(), value);
    }
    gather_objects(&mut body)?;
    Ok(body)
}

/// Moves the parameters that are members of `hybrid` and `personalize` in a body to their place.
fn gather_objects(body: &mut Map<String, Value>) -> Result<(), InvalidRequest> {
    match (body.shift_remove(EMBEDDER), body.shift_remove(RATIO)) {
        (None, None) => {
            if body.contains_key("vector") {
                let message = format!("`{EMBEDDER}` is mandatory when `vector` is present");
                return Err(InvalidRequest::new(ErrorCode::MissingSearchHybrid, message));
            }
        }
        (None, Some(_)) => {
            let message = format!("`{EMBEDDER}` is mandatory when `{RATIO}` is present");
            return Err(InvalidRequest::new(ErrorCode::InvalidSearchHybridQuery, message));
        }
        (Some(embedder), ratio) => {
            let mut hybrid = Map::new();
            hybrid.insert("embedder".to_owned(), embedder);
            hybrid.extend(ratio.map(|ratio| ("semanticRatio".to_owned(), ratio)));
            body.insert("hybrid".to_owned(), hybrid.into());
        }
    }
    if let Some(context) = body.shift_remove(USER_CONTEXT) {
        let personalize = Map::from_iter([("userContext".to_owned(), context)]);
        body.insert("personalize".to_owned(), personalize.into());
    }
    Ok(())
}

impl Form {
    /// Returns the value for `text` in a body. The error is Meilisearch's sentence.
    fn read(self, name: &str, text: &str) -> Result<Value, String> {
        let shown = || excerpt(text, VALUE_CHARS);
        match self {
            Self::Text => Ok(text.into()),
            Self::Count => text.parse::<u64>().map(Value::from).map_err(|_| {
                format!(
                    "Invalid value in parameter `{name}`: could not parse `{}` as a positive integer",
                    shown()
                )
            }),
            Self::Flag => text.parse::<bool>().map(Value::from).map_err(|_| {
                format!(
                    "Invalid value in parameter `{name}`: could not parse `{}` as a boolean, expected either `true` or `false`",
                    shown()
                )
            }),
            Self::List => Ok(items(text).map(Value::from).collect()),
            Self::Numbers => items(text)
                .map(|item| {
                    number(item)
                        .ok_or_else(|| format!("Invalid value in parameter `{name}`: invalid float literal"))
                })
                .collect(),
            Self::Filter => {
                let filter = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
                filter::check(&filter)?;
                Ok(filter)
            }
            Self::Sort => Ok(sorts(text).into()),
            Self::Strategy => {
                if STRATEGIES.contains(&text) {
                    return Ok(text.into());
                }
                let known = list(STRATEGIES);
                Err(format!("Unknown value `{}` for parameter `{name}`: expected one of {known}", shown()))
            }
            Self::Threshold => {
                unit(text).ok_or_else(|| format!("Invalid value in parameter `{name}`: {THRESHOLD_RANGE}"))
            }
            Self::Ratio => unit(text).ok_or_else(|| {
                format!(
                    "Invalid value in parameter `{name}`: the value of `semanticRatio` is invalid, expected a float between `0.0` and `1.0`."
                )
            }),
        }
    }
}

/// Returns the items of a comma separated list without empty ones.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|item| !item.is_empty())
}

fn number(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

/// Reads a number from 0 to 1.
fn unit(text: &str) -> Option<Value> {
    number(text).filter(|value| value.as_f64().is_some_and(|value| (0.0..=1.0).contains(&value)))
}

/// Returns the sorts in a comma separated list, in which the comma inside `_geoPoint(1,2)` is not a
/// separator.
fn sorts(text: &str) -> Vec<String> {
    let mut sorts: Vec<String> = Vec::new();
    let mut open_point = false;
    for part in text.trim_matches('"').split(',').map(str::trim) {
        match sorts.last_mut() {
            Some(point) if open_point => {
                point.push(',');
                point.push_str(part);
                open_point = !(part.ends_with("):asc") || part.ends_with("):desc"));
            }
            _ => {
                sorts.push(part.to_owned());
                open_point = part.starts_with("_geoPoint(");
            }
        }
    }
    sorts
}

#[cfg(test)]
#[path = "query_string_tests.rs"]
mod tests;
