//! The options of lists.

use clap::Args;

use crate::client::Request;
use crate::{text, value};

/// The options of a list.
#[derive(Debug, Args)]
pub struct Page {
    /// How many to show, 1 to 1000.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
    pub(crate) limit: u32,
    /// Where the page begins: what the page before said at its end.
    #[arg(long, value_name = "PLACE")]
    pub(crate) from: Option<String>,
}

impl Page {
    /// `GET` of the list at `path`, whose pages begin after a name.
    pub(crate) fn ask<'a>(&self, path: &[&'a str]) -> Request<'a> {
        Request::get(path).query("limit", &self.limit).maybe("after", self.from.as_ref())
    }
}

/// The last line of a page: how to get the next one. Empty on the last page.
pub(crate) fn next_page(list: &serde_json::Value) -> String {
    match &list["next"] {
        serde_json::Value::Null => String::new(),
        next => format!("\nThere are more: add --from {}", text::shell_word(&value::text(next))),
    }
}
