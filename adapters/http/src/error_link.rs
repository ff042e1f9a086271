//! Links of error bodies. Miroir itself serves the page about its error codes, so the link of such a code is
//! a path until a request shows the URL under which the client reaches Miroir.

use http::uri::Authority;
use http::{HeaderMap, HeaderName, header};

/// The host that the client named, if a proxy has replaced `Host`.
pub(crate) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// The scheme that the client used, if a proxy ends TLS.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Makes links absolute for the client of one request.
#[derive(Debug, Clone)]
pub(crate) struct ErrorLinks {
    /// Scheme and authority. `None` if the request has no valid host: links then stay paths.
    origin: Option<String>,
}

impl ErrorLinks {
    /// Reads the origin from the headers of a request: `X-Forwarded-Host` or `Host`, and `X-Forwarded-Proto`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let host = first(headers, &FORWARDED_HOST).or_else(|| first(headers, &header::HOST));
        let authority = host.and_then(|host| host.parse::<Authority>().ok());
        // A host never has credentials, which could make a link lead elsewhere than it seems to.
        let authority = authority.filter(|authority| !authority.as_str().contains('@'));
        let is_https =
            first(headers, &FORWARDED_PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        let scheme = if is_https { "https" } else { "http" };
        Self { origin: authority.map(|authority| format!("{scheme}://{authority}")) }
    }

    /// Makes `link` absolute if it is a path.
    pub(crate) fn complete(&self, link: &mut String) {
        if let Some(origin) = &self.origin
            && link.starts_with('/')
        {
            link.insert_str(0, origin);
        }
    }
}

/// Returns the first element of a header that may be a list: proxies append to it.
fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|first| !first.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use miroir_domain::error::ErrorCode;

    use super::*;

    fn completed(headers: &[(&'static str, &str)], code: ErrorCode) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let mut link = code.link();
        ErrorLinks::of(&map).complete(&mut link);
        link
    }

    #[test]
    fn complete_uses_the_host_and_the_scheme_of_the_client() {
        let path = "/_miroir/docs/errors#miroir_timeout";
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[("host", "search.test:7700")], "http://search.test:7700"),
            (&[("host", "[::1]:7700")], "http://[::1]:7700"),
            (&[("host", "search.test"), ("x-forwarded-proto", "https")], "https://search.test"),
            (&[("host", "search.test"), ("x-forwarded-proto", "HTTPS, http")], "https://search.test"),
            (&[("host", "pod:1"), ("x-forwarded-host", "search.test, proxy")], "http://search.test"),
            (&[("host", "search.test"), ("x-forwarded-proto", "javascript")], "http://search.test"),
        ];
        for (headers, origin) in cases {
            assert_eq!(
                completed(headers, ErrorCode::MiroirTimeout),
                format!("{origin}{path}"),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn complete_keeps_the_path_without_a_valid_host() {
        for host in ["", "a b", "user@search.test", "a/b", "a\"b", "\u{e9}", "a?b", "a#b"] {
            let link = completed(&[("host", host)], ErrorCode::MiroirTimeout);
            assert_eq!(link, "/_miroir/docs/errors#miroir_timeout", "{host}");
        }
        assert_eq!(completed(&[], ErrorCode::MiroirTimeout), "/_miroir/docs/errors#miroir_timeout");
    }

    #[test]
    fn complete_keeps_links_to_the_documentation_of_meilisearch() {
        let link = completed(&[("host", "search.test")], ErrorCode::IndexNotFound);
        assert_eq!(link, "https://docs.meilisearch.com/errors#index_not_found");
    }
}
