//! Options of a store.

use std::fmt;
use std::time::Duration;

/// The clock by which leases, windows of rate limits and waits for the next log-in end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// The server's clock, on which instances agree even if their clocks differ.
    #[default]
    Server,
    /// The caller's `now`, to the millisecond, for tests that set the time.
    Caller,
}

/// The place of a store and the settings of its connection. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// The URL: `redis://` or, with TLS, `rediss://`, then `user:password@host:port/database`. With Sentinels
    /// it is `redis+sentinel://user:password@host:port,host:port/name-of-the-master/database`, or
    /// `rediss+sentinel://`; user and password are those of the master.
    pub url: String,
    /// The prefix of every key.
    pub prefix: String,
    /// True if keys carry hash tags, so that the keys of one call are in one slot of Redis Cluster.
    pub cluster: bool,
    /// The time to wait for a connection.
    pub connect_timeout: Duration,
    /// The time to wait for a response. After it the outcome of a change is unknown.
    pub response_timeout: Duration,
    /// True if a server that may evict keys is accepted.
    pub allow_eviction: bool,
    /// The clock that decides.
    pub clock: Clock,
}

impl RedisOptions {
    /// Returns the defaults for the store at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "miroir".to_owned(),
            cluster: false,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
            allow_eviction: false,
            clock: Clock::Server,
        }
    }

    /// Returns the URL without credentials and query, which is safe to print. It shows nothing of a text that
    /// is not a URL, because it may be a password in the wrong place.
    pub fn printable_url(&self) -> String {
        let url = self.url.split('?').next().unwrap_or_default();
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            (Some(_), None) => url.to_owned(),
            (None, _) => "at an invalid URL".to_owned(),
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisOptions")
            .field("url", &self.printable_url())
            .field("prefix", &self.prefix)
            .field("cluster", &self.cluster)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("allow_eviction", &self.allow_eviction)
            .field("clock", &self.clock)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        for url in ["redis://u:se@cret@h:1/0", "rediss+sentinel://:secret@a:1,b:2/main/0"] {
            let printed = format!("{:?}", RedisOptions::new(url));
            assert!(!printed.contains("cret") && printed.contains("/0"), "{printed}");
        }
        assert_eq!(RedisOptions::new("redis://h:1").printable_url(), "redis://h:1");
        for url in ["secret", "u:secret@h:1", "redis://h:1?password=secret", ""] {
            let printed = format!("{:?}", RedisOptions::new(url));
            assert!(!printed.contains("secret"), "{printed}");
        }
    }
}
