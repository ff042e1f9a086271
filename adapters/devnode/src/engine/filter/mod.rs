//! Filters: the expression language of `filter`, checked against the settings and evaluated for documents.

mod check;
mod evaluate;
mod expression;
mod parameter;
mod parse;
mod print;

pub(crate) use evaluate::fold_facet;
pub(crate) use parameter::parse;
