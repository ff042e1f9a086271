//! Aliases: names that stand for indexes.

mod resolver;

pub use resolver::AliasResolver;
