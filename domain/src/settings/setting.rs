//! Every setting with its route, key, method and error code.

use super::shape::{self, Shape};
use crate::error::ErrorCode;

macro_rules! settings {
    ($($variant:ident = $route:literal, $key:literal, $method:ident, $code:ident, $shape:ident;)*) => {
        /// One setting with a sub-route of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Setting { $(
            #[doc = concat!("`", $key, "`, at `/settings/", $route, "`.")]
            $variant,
        )* }

        /// The keys of the settings object, in the order in which a server lists them.
        pub(super) const KEYS: &[&str] = &[$($key,)*];

        impl Setting {
            /// All of them, in the order of the settings object.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the last segment of its path.
            pub fn route(self) -> &'static str {
                match self { $(Self::$variant => $route,)* }
            }

            /// Returns its key in the settings object.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// Returns the method that changes it.
            pub fn update_method(self) -> UpdateMethod {
                match self { $(Self::$variant => UpdateMethod::$method,)* }
            }

            /// Returns the error code for a wrong value.
            pub fn error_code(self) -> ErrorCode {
                match self { $(Self::$variant => ErrorCode::$code,)* }
            }

            pub(super) fn shape(self) -> &'static Shape {
                match self { $(Self::$variant => &shape::$shape,)* }
            }

            /// Returns the setting at a path segment.
            pub fn from_route(route: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|setting| setting.route() == route)
            }

            pub(super) fn from_key(key: &str) -> Option<Self> {
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

// These are the sub-routes of Meilisearch 1.50; each name, method, type and code was verified with a server
// of that version. Servers refuse `chat` and `foreignKeys` unless the experimental feature is on.
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
