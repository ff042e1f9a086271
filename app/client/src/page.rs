//! The options of lists.

use clap::Args;

use crate::client::Request;
use crate::{text, value};

/// The options of a list.
#[derive(Debug, Args)]
pub struct Page {
    /// Maximum number of entries, 1 to 1000.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
    pub(crate) limit: u32,
    /// Start of the page, as printed at the end of the previous page.
    #[arg(long, value_name = "START")]
    pub(crate) from: Option<String>,
}

impl Page {
    /// Returns the request for the page of the list at `path`, whose pages start after a name.
    pub(crate) fn request<'a>(&self, path: &[&'a str]) -> Request<'a> {
        Request::get(path).query("limit", &self.limit).maybe("after", self.from.as_ref())
    }
}

/// Returns the last line of a page, with the option for the next page. Empty for the last page.
pub(crate) fn next_page(list: &serde_json::Value) -> String {
    match &list["next"] {
        serde_json::Value::Null => String::new(),
        next => format!("\nNext page: --from {}", text::shell_word(&value::text(next))),
    }
}
