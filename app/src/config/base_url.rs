//! The URL of a node or an instance.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The URL of a node or an instance, such as `http://10.0.0.5:7700`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(String);

/// The reason to refuse a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// It cannot be parsed.
    #[error("is not a URL ({0}): expected a URL such as `http://10.0.0.5:7700`")]
    NotAUrl(String),
    /// Its scheme is https.
    #[error("has the scheme https, which is not supported for nodes: use http in a private network")]
    Encrypted,
    /// Its scheme is neither http nor https.
    #[error("has the scheme `{0}`: nodes are reached over http, such as `http://10.0.0.5:7700`")]
    Scheme(String),
    /// It has parts beyond scheme, host, port and path.
    #[error("has {0}, which the URL of a node cannot have")]
    Excess(&'static str),
}

impl BaseUrl {
    /// Returns the URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns host and port, such as `10.0.0.5:7700`.
    pub(super) fn authority(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text).map_err(|error| InvalidBaseUrl::NotAUrl(error.to_string()))?;
        match url.scheme() {
            "http" => {}
            "https" => return Err(InvalidBaseUrl::Encrypted),
            // `localhost:7700` parses as the scheme `localhost`, although the scheme is missing.
            other => return Err(InvalidBaseUrl::Scheme(other.chars().take(20).collect())),
        }
        let excess = [
            (!url.username().is_empty() || url.password().is_some(), "a user name or password"),
            (url.query().is_some(), "a query (`?…`)"),
            (url.fragment().is_some(), "a fragment (`#…`)"),
        ];
        if let Some((_, what)) = excess.into_iter().find(|(present, _)| *present) {
            return Err(InvalidBaseUrl::Excess(what));
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = InvalidBaseUrl;

    fn try_from(text: String) -> Result<Self, InvalidBaseUrl> {
        text.parse()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> String {
        url.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl JsonSchema for BaseUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BaseUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "node-url" })
    }
}
