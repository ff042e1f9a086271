//! URLs of a master that Sentinels watch.

use redis::ConnectionAddr;

/// The port of a Sentinel, unless the URL names one.
const SENTINEL_PORT: u16 = 26_379;

/// The parts of `redis+sentinel://user:password@host:port,host:port/master/database`.
pub(crate) struct SentinelUrl {
    pub(crate) addresses: Vec<ConnectionAddr>,
    pub(crate) master: String,
    pub(crate) database: i64,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// True if the master is reached with TLS.
    pub(crate) tls: bool,
}

impl SentinelUrl {
    /// Parses `url`. Returns `None` if it does not name Sentinels, and a sentence if it names them wrongly.
    pub(crate) fn parse(url: &str) -> Result<Option<Self>, String> {
        let (tls, rest) = match url.split_once("+sentinel://") {
            Some(("redis", rest)) => (false, rest),
            Some(("rediss", rest)) => (true, rest),
            _ => return Ok(None),
        };
        let (credentials, place) =
            rest.rsplit_once('@').map_or((None, rest), |(who, place)| (Some(who), place));
        let mut path = place.split('/');
        let addresses = path.next().unwrap_or_default().split(',').map(address).collect::<Result<_, _>>()?;
        let master = path.next().filter(|name| !name.is_empty());
        let master =
            master.ok_or("the URL of Sentinels must end in `/` and the name of the master")?.to_owned();
        let database = match path.next() {
            None | Some("") => 0,
            Some(number) => {
                number.parse().map_err(|_| format!("`{number}` is not the number of a database"))?
            }
        };
        let (user, password) = match credentials.map(|who| who.split_once(':').unwrap_or((who, ""))) {
            None => (None, None),
            Some((user, password)) => (plain(user)?, plain(password)?),
        };
        Ok(Some(Self { addresses, master, database, user, password, tls }))
    }
}

fn address(text: &str) -> Result<ConnectionAddr, String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => {
            (host, port.parse().map_err(|_| format!("`{port}` is not the port of a Sentinel"))?)
        }
        None => (text, SENTINEL_PORT),
    };
    if host.is_empty() {
        return Err("a Sentinel has no host".to_owned());
    }
    Ok(ConnectionAddr::Tcp(host.trim_matches(['[', ']']).to_owned(), port))
}

/// Decodes the percent-encoding of a part of the credentials. Returns `None` if it is empty.
fn plain(text: &str) -> Result<Option<String>, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "the user or password of the URL is not UTF-8".to_owned())?;
    Ok((!decoded.is_empty()).then(|| decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_every_part() {
        let url = "rediss+sentinel://u:p%40ss@a:1,[::1]:2,b/main/3";
        let parsed = SentinelUrl::parse(url).unwrap().unwrap();
        let expected = [("a", 1), ("::1", 2), ("b", SENTINEL_PORT)]
            .map(|(host, port)| ConnectionAddr::Tcp(host.to_owned(), port));
        assert_eq!(parsed.addresses, expected);
        assert_eq!((parsed.master.as_str(), parsed.database, parsed.tls), ("main", 3, true));
        assert_eq!((parsed.user.as_deref(), parsed.password.as_deref()), (Some("u"), Some("p@ss")));
    }

    #[test]
    fn parse_returns_none_for_other_urls_and_refuses_broken_ones() {
        assert!(SentinelUrl::parse("redis://h").unwrap().is_none());
        for broken in [
            "redis+sentinel://a:1",
            "redis+sentinel://a:x/m",
            "redis+sentinel:///m",
            "redis+sentinel://a/m/x",
        ] {
            assert!(SentinelUrl::parse(broken).is_err(), "{broken}");
        }
    }
}
