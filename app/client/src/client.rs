//! One request to Miroir, one answer, within its time.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::failure::Failure;
use crate::text::clean;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read: more than any page of Miroir has.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// The keys, as values of `Authorization`.
pub(crate) struct Keys {
    /// For `/_miroir`.
    pub(crate) admin: Option<HeaderValue>,
    /// For what clients use.
    pub(crate) api: Option<HeaderValue>,
}

/// A client of one Miroir.
pub(crate) struct Client {
    base: Url,
    keys: Keys,
    http: reqwest::Client,
    timeout: Duration,
}

/// A request.
pub(crate) struct Request<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    version: Option<u64>,
    patience: Duration,
}

/// An answer: its status, and its body as it came.
pub(crate) struct Response {
    status: StatusCode,
    /// As it came.
    pub(crate) body: String,
    request: String,
    server: String,
}

impl<'a> Request<'a> {
    /// A request for what is at the path of these segments, which may be any text.
    pub(crate) fn new(method: Method, path: &[&'a str]) -> Self {
        Self {
            method,
            path: path.to_vec(),
            query: Vec::new(),
            body: None,
            version: None,
            patience: Duration::ZERO,
        }
    }

    pub(crate) fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&'a str]) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn put(path: &[&'a str]) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(crate) fn delete(path: &[&'a str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// With a parameter.
    pub(crate) fn query(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// With a parameter, where there is a value.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, &value),
            None => self,
        }
    }

    /// With a JSON body.
    pub(crate) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// On condition that what is changed has this version, where one is named.
    pub(crate) fn if_version(self, version: Option<u64>) -> Self {
        Self { version, ..self }
    }

    /// To be answered so much later than others: the server is asked to wait.
    pub(crate) fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Client {
    /// A client of the Miroir at `base`, which waits `timeout` for an answer.
    pub(crate) fn new(base: Url, keys: Keys, timeout: Duration) -> Result<Self, Failure> {
        // Redirects could lead keys elsewhere, and a proxy of the environment is not between an operator and Miroir.
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::Usage(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self { base, keys, http, timeout })
    }

    /// Sends a request, and reads the whole answer whatever its status.
    pub(crate) async fn send(&self, ask: Request<'_>) -> Result<Response, Failure> {
        let url = self.url(&ask)?;
        let request = format!("{} {}", ask.method, clean(url.path()));
        let timeout = self.timeout.saturating_add(ask.patience);
        let mut builder = self.http.request(ask.method, url).timeout(timeout);
        let key = if ask.path.first() == Some(&"_miroir") { &self.keys.admin } else { &self.keys.api };
        if let Some(key) = key {
            builder = builder.header(AUTHORIZATION, key.clone());
        }
        if let Some(version) = ask.version {
            builder = builder.header(IF_MATCH, format!("\"{version}\""));
        }
        if let Some(body) = ask.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let failed = |error| self.failure(&request, timeout, &error);
        let mut response = builder.send().await.map_err(failed)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Failure::Strange(format!(
                    "the answer to {request} is longer than any of Miroir's"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response { status, body, request, server: self.base.to_string() })
    }

    fn url(&self, ask: &Request<'_>) -> Result<Url, Failure> {
        // These would be taken as steps in the path, and another request be made than was meant.
        if let Some(name) = ask.path.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(Failure::Usage(format!("`{name}` is no name that anything has")));
        }
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(&ask.path),
            // Only URLs that are not http have no path.
            Err(()) => return Err(Failure::Usage("the URL of Miroir has no path".to_owned())),
        };
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        Ok(url)
    }

    fn failure(&self, request: &str, timeout: Duration, error: &reqwest::Error) -> Failure {
        let server = &self.base;
        if error.is_connect() && !error.is_timeout() {
            return Failure::Unreachable(format!(
                "cannot reach Miroir at {server}: {}. Is it running there? Name another with --url or MIROIR_URL.",
                clean(&root_cause(error))
            ));
        }
        if error.is_timeout() {
            let seconds = if error.is_connect() { CONNECT_TIMEOUT } else { timeout }.as_secs();
            return Failure::Unreachable(format!(
                "{server} did not answer {request} within {seconds} s. `miroir topology ready` tells whether it is well; \
                 --timeout waits longer."
            ));
        }
        Failure::Unreachable(format!(
            "the connection to {server} broke at {request}: {}. What was asked for may have happened: look before \
             repeating it.",
            clean(&root_cause(error))
        ))
    }
}

impl Response {
    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        if self.status.is_success() {
            return None;
        }
        Some(Failure::refused(self.status, &self.body, &self.request, &self.server))
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as JSON.
    pub(crate) fn value(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            Failure::Strange(format!(
                "{} answered {} with what is no JSON ({error}). Is a Miroir there? Name another server with --url or \
                 MIROIR_URL.",
                self.server, self.request
            ))
        })
    }
}

/// The last of the causes: what the system said.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base: &str) -> Client {
        let keys = Keys { admin: None, api: None };
        Client::new(Url::parse(base).unwrap(), keys, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        let url = |base: &str, name| client(base).url(&Request::get(&["_miroir", "jobs", name]));
        let path = url("http://h", "a/b?c#d %2e").unwrap();
        assert_eq!(path.as_str(), "http://h/_miroir/jobs/a%2Fb%3Fc%23d%20%252e");
        for base in ["http://h/p", "http://h/p/"] {
            assert_eq!(url(base, "x").unwrap().as_str(), "http://h/p/_miroir/jobs/x");
        }
        for step in ["", ".", ".."] {
            assert_eq!(url("http://h", step).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn parameters_are_encoded() {
        let ask = Request::get(&["tasks"]).query("from", &"a b&c").maybe("limit", None::<u32>);
        assert_eq!(client("http://h").url(&ask).unwrap().as_str(), "http://h/tasks?from=a+b%26c");
    }

    #[tokio::test]
    async fn closed_port_is_an_error_that_says_what_to_set() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = client(&format!("http://{free}"));
        let failure = client.send(Request::get(&["health"])).await.err().unwrap();
        assert_eq!(failure.exit_code(), 6);
        let said = failure.to_string();
        assert!(said.contains(&free.to_string()) && said.contains("MIROIR_URL"), "{said}");
        assert!(said.contains("refused"), "{said}");
    }
}
