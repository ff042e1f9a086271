//! How a store is reached.

use std::fmt;
use std::time::Duration;

/// Whose clock ends leases, windows of rate limits and waits for the next log-in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// The server's: instances whose clocks differ agree.
    #[default]
    Server,
    /// The caller's `now`, to the millisecond: for tests that move time by hand.
    Caller,
}

/// Where a store is and how it is reached. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// `redis://` or, with TLS, `rediss://`, then `user:password@host:port/database`. With Sentinels
    /// `redis+sentinel://user:password@host:port,host:port/name-of-the-master/database`, or `rediss+sentinel://`; user and
    /// password are those of the master.
    pub url: String,
    /// What every key begins with.
    pub prefix: String,
    /// Whether keys carry hash tags, so that what one call touches is in one slot of Redis Cluster.
    pub cluster: bool,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take; after it the outcome of a change is unknown.
    pub response_timeout: Duration,
    /// Whether a server that may evict keys is put up with.
    pub allow_eviction: bool,
    /// Whose clock counts.
    pub clock: Clock,
}

impl RedisOptions {
    /// The store at `url`, everything else as usual.
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

    /// The URL without what stands before its `@`, nor a query: safe to print. Of what is no URL nothing is shown: it may be
    /// a password in the wrong place.
    pub fn printable_url(&self) -> String {
        let url = self.url.split('?').next().unwrap_or_default();
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            (Some(_), None) => url.to_owned(),
            (None, _) => "at what is no URL".to_owned(),
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
