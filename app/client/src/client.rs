//! Requests to Miroir, with a time limit.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::failure::Failure;
use crate::text::clean;

/// The maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum size of a response, which exceeds any response of Miroir.
const MAX_RESPONSE_BYTES: usize = 256 * 1024 * 1024;

/// The keys, as values of `Authorization`.
pub(crate) struct Keys {
    /// The key of routes under `/_miroir`.
    pub(crate) admin: Option<HeaderValue>,
    /// The key of client routes.
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
    extra_time: Duration,
}

/// A response.
pub(crate) struct Response {
    status: StatusCode,
    /// The unchanged body.
    pub(crate) body: String,
    request: String,
    server: String,
}

impl<'a> Request<'a> {
    /// Makes a request for the path with these segments, which can be any text.
    pub(crate) fn new(method: Method, path: &[&'a str]) -> Self {
        Self {
            method,
            path: path.to_vec(),
            query: Vec::new(),
            body: None,
            version: None,
            extra_time: Duration::ZERO,
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

    /// Adds a query parameter.
    pub(crate) fn query(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a query parameter if there is a value.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, &value),
            None => self,
        }
    }

    /// Sets a JSON body.
    pub(crate) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Makes the change conditional on a version, if there is one.
    pub(crate) fn if_version(self, version: Option<u64>) -> Self {
        Self { version, ..self }
    }

    /// Adds time for the response, because the request asks the server to wait.
    pub(crate) fn extra_time(self, extra_time: Duration) -> Self {
        Self { extra_time, ..self }
    }
}

impl Client {
    /// Makes a client of the server at `base`, which waits `timeout` for a response.
    pub(crate) fn new(base: Url, keys: Keys, timeout: Duration) -> Result<Self, Failure> {
        // Redirects and proxies of the environment could leak the keys.
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::Usage(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self { base, keys, http, timeout })
    }

    /// Sends a request and reads the whole response, with any status.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response, Failure> {
        let url = self.url(&request)?;
        let line = format!("{} {}", request.method, clean(url.path()));
        let timeout = self.timeout.saturating_add(request.extra_time);
        let mut builder = self.http.request(request.method, url).timeout(timeout);
        let key = if request.path.first() == Some(&"_miroir") { &self.keys.admin } else { &self.keys.api };
        if let Some(key) = key {
            builder = builder.header(AUTHORIZATION, key.clone());
        }
        if let Some(version) = request.version {
            builder = builder.header(IF_MATCH, format!("\"{version}\""));
        }
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let failed = |error| self.failure(&line, timeout, &error);
        let mut response = builder.send().await.map_err(failed)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(Failure::InvalidResponse(format!("the response to {line} is too long")));
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response { status, body, request: line, server: self.base.to_string() })
    }

    fn url(&self, request: &Request<'_>) -> Result<Url, Failure> {
        // These segments would change the path to that of another request.
        if let Some(name) = request.path.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(Failure::Usage(format!("`{name}` is not a valid name")));
        }
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(&request.path),
            // Only URLs of other schemes have no path.
            Err(()) => return Err(Failure::Usage("the URL of Miroir has no path".to_owned())),
        };
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    fn failure(&self, request: &str, timeout: Duration, error: &reqwest::Error) -> Failure {
        let server = &self.base;
        if error.is_connect() && !error.is_timeout() {
            return Failure::Unreachable(format!(
                "cannot reach Miroir at {server}: {}. Is it running? Set another URL with --url or MIROIR_URL.",
                clean(&root_cause(error))
            ));
        }
        if error.is_timeout() {
            let seconds = if error.is_connect() { CONNECT_TIMEOUT } else { timeout }.as_secs();
            return Failure::Unreachable(format!(
                "{server} did not respond to {request} within {seconds} s. Check it with `miroir topology ready`, or wait \
                 longer with --timeout."
            ));
        }
        Failure::Unreachable(format!(
            "the connection to {server} broke during {request}: {}. The outcome is unknown: check it before you retry.",
            clean(&root_cause(error))
        ))
    }
}

impl Response {
    /// Returns the failure of a response with an error status.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        if self.status.is_success() {
            return None;
        }
        Some(Failure::refused(self.status, &self.body, &self.request, &self.server))
    }

    /// Returns the status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Parses the body as JSON.
    pub(crate) fn value(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            Failure::InvalidResponse(format!(
                "{} returned invalid JSON to {} ({error}). Is this the URL of a Miroir server? Set another with --url or \
                 MIROIR_URL.",
                self.server, self.request
            ))
        })
    }
}

/// Returns the innermost cause, which is the error of the operating system.
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
    fn url_escapes_names_in_the_path() {
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
    fn url_encodes_parameters() {
        let request = Request::get(&["tasks"]).query("from", &"a b&c").maybe("limit", None::<u32>);
        assert_eq!(client("http://h").url(&request).unwrap().as_str(), "http://h/tasks?from=a+b%26c");
    }

    #[tokio::test]
    async fn send_to_a_closed_port_names_the_url_setting() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = client(&format!("http://{free}"));
        let failure = client.send(Request::get(&["health"])).await.err().unwrap();
        assert_eq!(failure.exit_code(), 6);
        let error = failure.to_string();
        assert!(error.contains(&free.to_string()) && error.contains("MIROIR_URL"), "{error}");
        assert!(error.contains("refused"), "{error}");
    }
}
