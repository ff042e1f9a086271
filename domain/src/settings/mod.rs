//! Index settings: their names and sub-routes, what nodes are told, what clients are shown.

mod check;
mod details;
mod fold;
mod nodes;
mod ranking_rule;
mod reserved;
mod shape;

use serde_json::{Map, Value};

use crate::error::{ErrorCode, InvalidRequest};
use crate::wording;
use check::Place;
pub use fold::fold;
pub use nodes::{as_change, for_client, initial_for_nodes};
use shape::Shape;

macro_rules! settings {
    ($($variant:ident = $route:literal, $key:literal, $method:ident, $code:ident, $shape:ident;)*) => {
        /// One setting with a sub-route of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Setting { $(
            #[doc = concat!("`", $key, "`, at `/settings/", $route, "`.")]
            $variant,
        )* }

        /// The keys of the settings object, in the order in which a server lists them.
        const KEYS: &[&str] = &[$($key,)*];

        impl Setting {
            /// All of them, in the order of the settings object.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The last segment of its path.
            pub fn route(self) -> &'static str {
                match self { $(Self::$variant => $route,)* }
            }

            /// Its key in the settings object.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The method that changes it.
            pub fn update_method(self) -> UpdateMethod {
                match self { $(Self::$variant => UpdateMethod::$method,)* }
            }

            /// The code that refuses a wrong value of it.
            pub fn error_code(self) -> ErrorCode {
                match self { $(Self::$variant => ErrorCode::$code,)* }
            }

            fn shape(self) -> &'static Shape {
                match self { $(Self::$variant => &shape::$shape,)* }
            }

            /// The setting at a path segment.
            pub fn from_route(route: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|setting| setting.route() == route)
            }

            fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|setting| setting.key() == key)
            }
        }
    };
}

/// The HTTP method that changes a setting on its sub-route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    /// Replaces the value.
    Put,
    /// Changes the named parts of an object.
    Patch,
}

// Every sub-route of Meilisearch 1.50; a server of that version was asked for each name, method, type and code.
// `chat` and `foreignKeys` are there but refused by servers whose experimental feature is off.
settings! {
    DisplayedAttributes = "displayed-attributes", "displayedAttributes", Put,
        InvalidSettingsDisplayedAttributes, NAMES;
    SearchableAttributes = "searchable-attributes", "searchableAttributes", Put,
        InvalidSettingsSearchableAttributes, NAMES;
    FilterableAttributes = "filterable-attributes", "filterableAttributes", Put,
        InvalidSettingsFilterableAttributes, FILTERABLE_ATTRIBUTES;
    SortableAttributes = "sortable-attributes", "sortableAttributes", Put,
        InvalidSettingsSortableAttributes, WORDS;
    ForeignKeys = "foreign-keys", "foreignKeys", Put, InvalidSettingsForeignKeys, FOREIGN_KEYS;
    RankingRules = "ranking-rules", "rankingRules", Put, InvalidSettingsRankingRules, RANKING_RULES;
    StopWords = "stop-words", "stopWords", Put, InvalidSettingsStopWords, WORDS;
    NonSeparatorTokens = "non-separator-tokens", "nonSeparatorTokens", Put,
        InvalidSettingsNonSeparatorTokens, WORDS;
    SeparatorTokens = "separator-tokens", "separatorTokens", Put, InvalidSettingsSeparatorTokens, WORDS;
    Dictionary = "dictionary", "dictionary", Put, InvalidSettingsDictionary, WORDS;
    Synonyms = "synonyms", "synonyms", Put, InvalidSettingsSynonyms, SYNONYMS;
    DistinctAttribute = "distinct-attribute", "distinctAttribute", Put,
        InvalidSettingsDistinctAttribute, TEXT;
    ProximityPrecision = "proximity-precision", "proximityPrecision", Put,
        InvalidSettingsProximityPrecision, PROXIMITY_PRECISION;
    TypoTolerance = "typo-tolerance", "typoTolerance", Patch, InvalidSettingsTypoTolerance, TYPO_TOLERANCE;
    Faceting = "faceting", "faceting", Patch, InvalidSettingsFaceting, FACETING;
    Pagination = "pagination", "pagination", Patch, InvalidSettingsPagination, PAGINATION;
    Embedders = "embedders", "embedders", Patch, InvalidSettingsEmbedders, EMBEDDERS;
    SearchCutoffMs = "search-cutoff-ms", "searchCutoffMs", Put, InvalidSettingsSearchCutoffMs, UNSIGNED;
    LocalizedAttributes = "localized-attributes", "localizedAttributes", Put,
        InvalidSettingsLocalizedAttributes, LOCALIZED_ATTRIBUTES;
    FacetSearch = "facet-search", "facetSearch", Put, InvalidSettingsFacetSearch, BOOLEAN;
    PrefixSearch = "prefix-search", "prefixSearch", Put, InvalidSettingsPrefixSearch, PREFIX_SEARCH;
    Chat = "chat", "chat", Patch, InvalidSettingsIndexChat, CHAT;
}

/// A client's change of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsChange {
    /// One setting by its sub-route, or the whole object.
    pub setting: Option<Setting>,
    /// The new value, or a reset.
    pub action: SettingsAction,
}

/// What to do with a setting or with all of them.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingsAction {
    /// Take this value (`PUT`/`PATCH`).
    Update(Value),
    /// Return to the default (`DELETE`).
    Reset,
}

impl SettingsChange {
    /// Checks the shape of the change before any node hears of it: known keys, right JSON types, no reserved
    /// attribute. Deeper checks are the nodes'. Errors carry Meilisearch's codes.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        match (self.setting, &self.action) {
            (_, SettingsAction::Reset) => Ok(()),
            (Some(setting), SettingsAction::Update(value)) => {
                validate_one(setting, value, &Place::Root)?;
                reserved::refuse(setting, value)
            }
            (None, SettingsAction::Update(Value::Object(settings))) => {
                for (key, value) in settings {
                    let setting = Setting::from_key(key).ok_or_else(|| unknown(key))?;
                    validate_one(setting, value, &Place::Key(&Place::Root, key))?;
                }
                for (key, value) in settings {
                    Setting::from_key(key).map_or(Ok(()), |setting| reserved::refuse(setting, value))?;
                }
                Ok(())
            }
            (None, SettingsAction::Update(value)) => {
                let wrong = wording::wrong_type("", "an object", value);
                Err(InvalidRequest::new(ErrorCode::BadRequest, wrong))
            }
        }
    }

    /// The change as nodes are told it: filterable attributes keep the shard attribute whatever the client sets,
    /// also through a reset.
    #[must_use]
    pub fn for_nodes(&self) -> Self {
        nodes::with_shard_filterable(self)
    }

    /// The change as nodes are told it when it is what creates the index: one request that also makes the shard
    /// attribute filterable, whatever the change is about.
    #[must_use]
    pub fn for_new_index(&self) -> Self {
        nodes::with_shard_for_new_index(self)
    }

    /// Returns the change that the `details` of a settings task describe, as nodes are sent it. Returns `None` if they
    /// describe no change.
    ///
    /// Details never hold the API keys of embedders, and embedders cannot be set right without them, so the change
    /// leaves embedders as they are.
    pub fn of_details(details: &Map<String, Value>) -> Option<Self> {
        let mut settings = details.clone();
        settings.remove(Setting::Embedders.key());
        if settings.is_empty() {
            return None;
        }
        let change = Self { setting: None, action: SettingsAction::Update(Value::Object(settings)) };
        Some(change.for_nodes())
    }

    /// The `details` of the settings task, as a single server reports them.
    pub fn details(&self) -> Map<String, Value> {
        details::of(self)
    }
}

/// Null resets a setting, so it is right for each.
fn validate_one(setting: Setting, value: &Value, place: &Place<'_>) -> Result<(), InvalidRequest> {
    if value.is_null() {
        return Ok(());
    }
    let refused = |wrong| InvalidRequest::new(setting.error_code(), wrong);
    check::check(setting.shape(), value, place).map_err(refused)?;
    if setting == Setting::RankingRules {
        ranking_rule::refuse_mixed(value).map_err(refused)?;
    }
    Ok(())
}

fn unknown(key: &str) -> InvalidRequest {
    InvalidRequest::new(ErrorCode::BadRequest, wording::unknown("field", key, KEYS))
}

#[cfg(test)]
mod tests;
