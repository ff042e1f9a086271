//! Reads the source of this repository, for tests that hold its structure and its language.
//!
//! | module | contents |
//! |---|---|
//! | [`tree`] | the files of the repository |
//! | [`comment`] | the comments of a source file |
//! | [`module`] | the modules of a crate, with the names that each defines and imports |
//! | [`import`] | the arrows between the files of a crate |
//! | [`cycle`] | circles among arrows |

pub mod comment;
pub mod cycle;
pub mod import;
pub mod module;
pub mod tree;
