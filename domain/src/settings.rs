//! Index settings: their names and sub-routes, what nodes are told, what clients are shown.

use serde_json::{Map, Value};

use crate::error::InvalidRequest;

macro_rules! settings {
    ($($variant:ident = $route:literal, $key:literal, $method:ident;)*) => {
        /// One setting with a sub-route of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Setting { $(
            #[doc = concat!("`", $key, "`, at `/settings/", $route, "`.")]
            $variant,
        )* }

        impl Setting {
            /// All of them.
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

            /// The setting at a path segment.
            pub fn from_route(route: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|setting| setting.route() == route)
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

// Sub-routes and methods of Meilisearch 1.50, to be checked against the server by the contract suite.
settings! {
    FilterableAttributes = "filterable-attributes", "filterableAttributes", Put;
    SortableAttributes = "sortable-attributes", "sortableAttributes", Put;
    DisplayedAttributes = "displayed-attributes", "displayedAttributes", Put;
    SearchableAttributes = "searchable-attributes", "searchableAttributes", Put;
    RankingRules = "ranking-rules", "rankingRules", Put;
    StopWords = "stop-words", "stopWords", Put;
    NonSeparatorTokens = "non-separator-tokens", "nonSeparatorTokens", Put;
    SeparatorTokens = "separator-tokens", "separatorTokens", Put;
    Dictionary = "dictionary", "dictionary", Put;
    Synonyms = "synonyms", "synonyms", Put;
    DistinctAttribute = "distinct-attribute", "distinctAttribute", Put;
    ProximityPrecision = "proximity-precision", "proximityPrecision", Put;
    TypoTolerance = "typo-tolerance", "typoTolerance", Patch;
    Faceting = "faceting", "faceting", Patch;
    Pagination = "pagination", "pagination", Patch;
    Embedders = "embedders", "embedders", Patch;
    SearchCutoffMs = "search-cutoff-ms", "searchCutoffMs", Put;
    LocalizedAttributes = "localized-attributes", "localizedAttributes", Put;
    FacetSearch = "facet-search", "facetSearch", Put;
    PrefixSearch = "prefix-search", "prefixSearch", Put;
    Chat = "chat", "chat", Patch;
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
        unimplemented!()
    }

    /// The change as nodes are told it: filterable attributes keep the shard attribute whatever the client sets,
    /// also through a reset.
    pub fn for_nodes(&self) -> SettingsChange {
        unimplemented!()
    }

    /// The `details` of the settings task, as a single server reports them.
    pub fn details(&self) -> Map<String, Value> {
        unimplemented!()
    }
}

/// The change that makes a fresh index on a node usable by Miroir: the shard attribute is filterable.
pub fn initial_for_nodes() -> SettingsChange {
    unimplemented!()
}

/// Settings read from a node as a client may see them: without reserved attributes.
pub fn for_client(setting: Option<Setting>, value: Value) -> Value {
    let _ = (setting, value);
    unimplemented!()
}

/// The whole settings object read from a node, as the change that gives another node the same settings.
pub fn as_change(settings_of_node: Value) -> SettingsChange {
    let _ = settings_of_node;
    unimplemented!()
}
