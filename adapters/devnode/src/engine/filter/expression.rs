//! A filter as a tree of conditions.

/// An attribute in a filter, with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(super) name: String,
    /// The filter as the client wrote it.
    pub(super) source: String,
    /// The column of the name in the filter, counted from 1.
    pub(super) column: usize,
}

/// A comparison of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Lower,
    LowerOrEqual,
    StartsWith,
}

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    Compare(Attribute, Comparison, String),
    Between(Attribute, String, String),
    In(Attribute, Vec<String>),
    Exists(Attribute),
    IsNull(Attribute),
    IsEmpty(Attribute),
    Not(Box<Filter>),
    And(Vec<Filter>),
    Or(Vec<Filter>),
}

/// Joins several filters into one. Returns `None` if there are none.
pub(super) fn join(mut filters: Vec<Filter>, with: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    if filters.len() < 2 { filters.pop() } else { Some(with(filters)) }
}

impl Filter {
    /// Returns the attributes that it names, in written order.
    pub(super) fn attributes(&self) -> Vec<&Attribute> {
        match self {
            Self::Compare(attribute, ..)
            | Self::Between(attribute, ..)
            | Self::In(attribute, _)
            | Self::Exists(attribute)
            | Self::IsNull(attribute)
            | Self::IsEmpty(attribute) => vec![attribute],
            Self::Not(inner) => inner.attributes(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::attributes).collect(),
        }
    }
}
