//! The URL of a webhook, checked once.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use url::{Host, Url};

use super::address::is_public;
use crate::error::SinkConfigError;

/// The URL of a receiver. Its path and query may hold a secret, so only the origin is shown.
#[derive(Clone)]
pub(crate) struct Endpoint {
    uri: Uri,
    origin: String,
    secure: bool,
}

impl Endpoint {
    /// Reads the URL. An address as its host is checked here, without any lookup. A name is checked by its
    /// addresses when a connection is made.
    pub(crate) fn parse(text: &str, allow_private: bool) -> Result<Self, SinkConfigError> {
        let invalid = |reason: &str| SinkConfigError::InvalidUrl { reason: reason.to_owned() };
        let mut url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(invalid("its scheme must be `https` or `http`")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "it carries a user name or password; deliveries are authenticated by their signature",
            ));
        }
        // The parser has turned every spelling of an address into one, such as `0x7f.1`, `2130706433` and
        // `127。0。0。1`.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(invalid("it names no host")),
        };
        if let Some(address) = literal.filter(|&address| !allow_private && !is_public(address)) {
            return Err(SinkConfigError::PrivateAddress { address });
        }
        // A fragment is never sent.
        url.set_fragment(None);
        let uri = url
            .as_str()
            .parse()
            .map_err(|_| invalid("it has characters that an HTTP request cannot carry"))?;
        let port = url.port_or_known_default().unwrap_or_default();
        let origin = format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default());
        Ok(Self { uri, origin, secure })
    }

    /// Returns the URI of requests.
    pub(crate) fn uri(&self) -> Uri {
        self.uri.clone()
    }

    /// Returns whether the receiver uses TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }
}

/// Shows `scheme://host:port`.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.origin)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({})", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_is_shown() {
        for (given, shown) in [
            ("https://hooks.example.com/hunter2?key=hunter2#hunter2", "https://hooks.example.com:443"),
            ("http://hooks.example.com:8080", "http://hooks.example.com:8080"),
            ("http://[2606:4700::1]/", "http://[2606:4700::1]:80"),
            ("HTTPS://Bücher.example/", "https://xn--bcher-kva.example:443"),
        ] {
            let endpoint = Endpoint::parse(given, false).unwrap();
            assert_eq!(endpoint.to_string(), shown);
            assert!(!format!("{endpoint:?}").contains("hunter2"));
        }
        let endpoint = Endpoint::parse("https://example.com/a?b=c#d", false).unwrap();
        assert_eq!(endpoint.uri().to_string(), "https://example.com/a?b=c");
    }

    #[test]
    fn url_is_refused_without_being_printed() {
        for (bad, says) in [
            ("", "relative URL"),
            ("hunter2", "relative URL"),
            ("ftp://hunter2", "scheme must be"),
            ("file:///etc/hunter2", "scheme must be"),
            ("https://user:hunter2@example.com", "user name or password"),
            ("https://hunter2@example.com", "user name or password"),
            ("https://", "empty host"),
            ("https://example.com:hunter2/", "invalid port"),
            ("https://1.2.3.256/hunter2", "invalid IPv4"),
        ] {
            let error = Endpoint::parse(bad, true).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn private_address_is_refused_in_every_spelling_unless_allowed() {
        for bad in [
            "http://127.0.0.1/",
            "http://127.0.0.1./",
            "http://127.1/",
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://127。0。0。1/",
            "http://①②⑦.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http://0/",
            "http://10.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://[::]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[fe80::1]/",
        ] {
            let error = Endpoint::parse(bad, false).unwrap_err();
            assert!(matches!(error, SinkConfigError::PrivateAddress { .. }), "{bad}: {error}");
            assert!(error.to_string().contains("allow_private"), "{error}");
            Endpoint::parse(bad, true).unwrap();
        }
    }
}
