//! The configuration of a NATS sink, checked once.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;
use url::Url;

use crate::error::SinkConfigError;

/// The configuration of a NATS sink. It may have user and password, or a token, or a credentials file, or
/// none of them.
#[derive(Clone)]
pub struct NatsOptions {
    /// The servers, `nats://host:port` or `tls://host:port`. Several servers of one cluster are separated by
    /// commas.
    pub url: String,
    /// The beginning of the subjects, for instance `miroir.changes`: events of the index `films` go to
    /// `miroir.changes.films`.
    pub subject: String,
    /// The name of the user.
    pub user: Option<String>,
    /// The password of the user. Never printed.
    pub password: Option<String>,
    /// The token, if the servers require one. Never printed.
    pub token: Option<String>,
    /// A credentials file as `nsc` writes it: a user JWT and the seed of its key.
    pub credentials_file: Option<PathBuf>,
    /// The time in which a delivery must finish, including the connection.
    pub timeout: Duration,
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        formatter
            .debug_struct("NatsOptions")
            .field("url", &"***")
            .field("subject", &self.subject)
            .field("user", &self.user)
            .field("password", &hidden(&self.password))
            .field("token", &hidden(&self.token))
            .field("credentials_file", &self.credentials_file)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// The servers of one cluster, any of which accepts events.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    pub addresses: Vec<ServerAddr>,
    /// The servers as `scheme://host:port`, for people.
    pub names: String,
}

impl Servers {
    /// Reads URLs separated by commas.
    pub(crate) fn parse(text: &str) -> Result<Self, SinkConfigError> {
        let urls = text.split(',').map(str::trim).map(server).collect::<Result<Vec<_>, _>>();
        let urls = urls.map_err(|reason| SinkConfigError::InvalidUrl { reason })?;
        let addresses = urls.into_iter().map(ServerAddr::from_url).collect::<Result<Vec<_>, _>>();
        let addresses =
            addresses.map_err(|error| SinkConfigError::InvalidUrl { reason: error.to_string() })?;
        let name = |address: &ServerAddr| match address.host() {
            host if host.contains(':') => format!("{}://[{host}]:{}", address.scheme(), address.port()),
            host => format!("{}://{host}:{}", address.scheme(), address.port()),
        };
        let names = addresses.iter().map(name).collect::<Vec<_>>().join(", ");
        Ok(Self { addresses, names })
    }
}

/// Reads one URL. Returns the problem as a text if it cannot be used.
fn server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "nats" | "tls") {
        return Err("its scheme must be `nats` or `tls`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or password; configure them as settings of their own".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it has no host".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("it has a part after the port; only scheme, host and port are used".to_owned());
    }
    Ok(url)
}

/// Checks that the prefix, followed by the name of an index, is a subject to which messages can be published.
pub(crate) fn check_subject(subject: &str) -> Result<(), SinkConfigError> {
    let reason = if subject.is_empty() {
        "it is empty"
    } else if subject.split('.').any(str::is_empty) {
        "there must be a word before, between and after its dots"
    } else if subject.contains(['*', '>']) {
        "it has a wildcard, but events go to one subject"
    } else if subject.starts_with('$') {
        "subjects that begin with `$` belong to the server"
    } else if !subject.bytes().all(|byte| byte.is_ascii_graphic()) {
        "only visible ASCII characters without spaces are allowed"
    } else {
        return Ok(());
    };
    Err(SinkConfigError::InvalidSubject { subject: subject.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_by_scheme_host_and_port() {
        let servers = Servers::parse("nats://a:4223, tls://b.example ,nats://[::1]:1/").unwrap();
        assert_eq!(servers.names, "nats://a:4223, tls://b.example:4222, nats://[::1]:1");
        assert_eq!(servers.addresses.len(), 3);
    }

    #[test]
    fn url_is_refused_without_being_printed() {
        for (bad, says) in [
            ("", "relative URL"),
            ("hunter2:4222", "scheme must be"),
            ("http://hunter2", "scheme must be"),
            ("ws://hunter2", "scheme must be"),
            ("nats://a,", "relative URL"),
            ("nats://user:hunter2@a", "user name or password"),
            ("nats://hunter2@a", "user name or password"),
            ("nats://a/hunter2", "after the port"),
            ("nats://a?token=hunter2", "after the port"),
            ("nats://", "has no host"),
        ] {
            let error = Servers::parse(bad).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn subject_without_publishable_form_is_refused() {
        for good in ["miroir", "miroir.changes", "a.b-c.d_e.F1"] {
            check_subject(good).unwrap();
        }
        for (bad, says) in [
            ("", "empty"),
            (".", "a word"),
            ("a.", "a word"),
            (".a", "a word"),
            ("a..b", "a word"),
            ("a.*", "wildcard"),
            ("a.>", "wildcard"),
            ("$JS.API", "belong to the server"),
            ("a b", "visible"),
            ("a\r\nb", "visible"),
            ("é", "visible"),
        ] {
            let error = check_subject(bad).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
