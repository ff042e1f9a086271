//! The shape of each setting: one description that checks values and puts them in a server's order.

use serde_json::{Value, json};

/// The shape of a setting or of a part of one.
#[derive(Debug)]
pub(super) enum Shape {
    /// Any JSON: only nodes can check it.
    Any,
    /// Any object.
    AnyObject,
    Boolean,
    Text,
    /// A number, whole or not.
    Number,
    /// A whole number from 0 to this maximum.
    Unsigned(u64),
    /// A whole number from 1.
    NonZero,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An array; its order matters.
    List(&'static Shape),
    /// An array of text. A server keeps neither its order nor repetitions.
    WordSet,
    /// An object with any keys; a server sorts them.
    Map {
        value: &'static Shape,
        /// True if null is accepted as a value.
        nullable: bool,
    },
    /// An object with these keys.
    Object(&'static [Field]),
    /// A ranking rule by name or `attribute:asc`, `attribute:desc`.
    RankingRule,
    /// An attribute name, or an object that grants features to patterns.
    FilterableRule,
    /// `minWordSizeForTypos`, whose two numbers must be in order.
    WordSizes,
}

/// One key of a [`Shape::Object`].
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    pub(super) presence: Presence,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Presence {
    /// The key may be missing; null resets it.
    Resettable,
    /// The key must be present, and not null.
    Required,
    /// The key may be missing and then has this value.
    Default(fn() -> Value),
}

const fn resettable(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, shape, presence: Presence::Resettable }
}

const fn required(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, shape, presence: Presence::Required }
}

const fn default(name: &'static str, shape: &'static Shape, value: fn() -> Value) -> Field {
    Field { name, shape, presence: Presence::Default(value) }
}

pub(super) static BOOLEAN: Shape = Shape::Boolean;
pub(super) static TEXT: Shape = Shape::Text;
pub(super) static UNSIGNED: Shape = Shape::Unsigned(u64::MAX);
pub(super) static NAMES: Shape = Shape::List(&TEXT);
pub(super) static WORDS: Shape = Shape::WordSet;
pub(super) static RANKING_RULES: Shape = Shape::List(&Shape::RankingRule);
pub(super) static SYNONYMS: Shape = Shape::Map { value: &NAMES, nullable: false };
pub(super) static PROXIMITY_PRECISION: Shape = Shape::OneOf(&["byWord", "byAttribute"]);
pub(super) static PREFIX_SEARCH: Shape = Shape::OneOf(&["indexingTime", "disabled"]);
pub(super) static PAGINATION: Shape = Shape::Object(&[resettable("maxTotalHits", &Shape::NonZero)]);

pub(super) static FILTERABLE_ATTRIBUTES: Shape = Shape::List(&Shape::FilterableRule);

/// The object form of a filterable attribute.
pub(super) static FILTERABLE_RULE: Shape = Shape::Object(&[
    required("attributePatterns", &NAMES),
    default(
        "features",
        &FILTERABLE_FEATURES,
        || json!({"facetSearch": false, "filter": {"equality": true, "comparison": false}}),
    ),
]);
static FILTERABLE_FEATURES: Shape = Shape::Object(&[
    default("facetSearch", &BOOLEAN, || false.into()),
    default("filter", &FILTER_FEATURES, || json!({"equality": true, "comparison": false})),
]);
static FILTER_FEATURES: Shape = Shape::Object(&[
    default("equality", &BOOLEAN, || true.into()),
    default("comparison", &BOOLEAN, || false.into()),
]);

pub(super) static FOREIGN_KEYS: Shape = Shape::List(&Shape::Object(&[
    required("foreignIndexUid", &Shape::Text),
    required("fieldName", &Shape::Text),
]));

pub(super) static LOCALIZED_ATTRIBUTES: Shape = Shape::List(&Shape::Object(&[
    required("attributePatterns", &Shape::List(&Shape::Text)),
    required("locales", &Shape::List(&Shape::Text)),
]));

pub(super) static TYPO_TOLERANCE: Shape = Shape::Object(&[
    resettable("enabled", &BOOLEAN),
    resettable("minWordSizeForTypos", &Shape::WordSizes),
    resettable("disableOnWords", &WORDS),
    resettable("disableOnAttributes", &WORDS),
    resettable("disableOnNumbers", &BOOLEAN),
]);
pub(super) const ONE_TYPO: &str = "oneTypo";
pub(super) const TWO_TYPOS: &str = "twoTypos";
const BYTE: Shape = Shape::Unsigned(255);
/// The object under [`Shape::WordSizes`].
pub(super) static WORD_SIZES: Shape =
    Shape::Object(&[resettable(ONE_TYPO, &BYTE), resettable(TWO_TYPOS, &BYTE)]);

pub(super) static FACETING: Shape = Shape::Object(&[
    resettable("maxValuesPerFacet", &UNSIGNED),
    resettable(
        "sortFacetValuesBy",
        &Shape::Map { value: &Shape::OneOf(&["alpha", "count"]), nullable: false },
    ),
]);

pub(super) static EMBEDDERS: Shape = Shape::Map { value: &EMBEDDER, nullable: true };
static EMBEDDER: Shape = Shape::Object(&[
    resettable(
        "source",
        &Shape::OneOf(&["openAi", "huggingFace", "ollama", "userProvided", "rest", "composite"]),
    ),
    resettable("model", &TEXT),
    resettable("revision", &TEXT),
    resettable("pooling", &Shape::OneOf(&["useModel", "forceCls", "forceMean"])),
    resettable("apiKey", &TEXT),
    resettable("dimensions", &UNSIGNED),
    resettable("binaryQuantized", &BOOLEAN),
    resettable("documentTemplate", &TEXT),
    resettable("documentTemplateMaxBytes", &UNSIGNED),
    resettable("url", &TEXT),
    resettable("indexingFragments", &FRAGMENTS),
    resettable("searchFragments", &FRAGMENTS),
    resettable("request", &Shape::Any),
    resettable("response", &Shape::Any),
    resettable("headers", &Shape::Map { value: &TEXT, nullable: false }),
    resettable("searchEmbedder", &Shape::AnyObject),
    resettable("indexingEmbedder", &Shape::AnyObject),
    resettable(
        "distribution",
        &Shape::Object(&[required("mean", &Shape::Number), required("sigma", &Shape::Number)]),
    ),
]);
static FRAGMENTS: Shape = Shape::Map { value: &Shape::AnyObject, nullable: true };

pub(super) static CHAT: Shape = Shape::Object(&[
    resettable("description", &TEXT),
    resettable("documentTemplate", &TEXT),
    resettable("documentTemplateMaxBytes", &UNSIGNED),
    resettable("searchParameters", &Shape::AnyObject),
]);
