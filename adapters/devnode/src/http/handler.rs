//! Handlers of routes.

use super::request::Request;
use super::response::Responded;
use crate::shared::Shared;

/// The handler of a route, which runs after the key was checked.
pub(super) type Handler<'r> = Box<dyn Fn(&Shared, &Request) -> Responded + 'r>;
