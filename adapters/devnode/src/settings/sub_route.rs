//! The settings that have a route of their own.

/// A setting by its path segment and key, and the method that changes it.
pub(crate) struct SubRoute {
    pub(crate) segment: &'static str,
    pub(crate) key: &'static str,
    pub(crate) method: &'static str,
}

const fn sub_route(segment: &'static str, key: &'static str, method: &'static str) -> SubRoute {
    SubRoute { segment, key, method }
}

/// Every setting, in the order of error messages.
pub(crate) const SUB_ROUTES: [SubRoute; 22] = [
    sub_route("displayed-attributes", "displayedAttributes", "PUT"),
    sub_route("searchable-attributes", "searchableAttributes", "PUT"),
    sub_route("filterable-attributes", "filterableAttributes", "PUT"),
    sub_route("sortable-attributes", "sortableAttributes", "PUT"),
    sub_route("foreign-keys", "foreignKeys", "PUT"),
    sub_route("ranking-rules", "rankingRules", "PUT"),
    sub_route("stop-words", "stopWords", "PUT"),
    sub_route("non-separator-tokens", "nonSeparatorTokens", "PUT"),
    sub_route("separator-tokens", "separatorTokens", "PUT"),
    sub_route("dictionary", "dictionary", "PUT"),
    sub_route("synonyms", "synonyms", "PUT"),
    sub_route("distinct-attribute", "distinctAttribute", "PUT"),
    sub_route("proximity-precision", "proximityPrecision", "PUT"),
    sub_route("typo-tolerance", "typoTolerance", "PATCH"),
    sub_route("faceting", "faceting", "PATCH"),
    sub_route("pagination", "pagination", "PATCH"),
    sub_route("embedders", "embedders", "PATCH"),
    sub_route("search-cutoff-ms", "searchCutoffMs", "PUT"),
    sub_route("localized-attributes", "localizedAttributes", "PUT"),
    sub_route("facet-search", "facetSearch", "PUT"),
    sub_route("prefix-search", "prefixSearch", "PUT"),
    sub_route("chat", "chat", "PATCH"),
];
