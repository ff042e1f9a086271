//! The URL of a master that Sentinels know.

use redis::ConnectionAddr;

/// The port of a Sentinel where the URL names none.
const SENTINEL_PORT: u16 = 26_379;

/// `redis+sentinel://user:password@host:port,host:port/master/database`.
pub(crate) struct SentinelUrl {
    pub(crate) addresses: Vec<ConnectionAddr>,
    pub(crate) master: String,
    pub(crate) database: i64,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// Whether the master is reached with TLS.
    pub(crate) tls: bool,
}

impl SentinelUrl {
    /// None when `url` is not one of Sentinels; otherwise the parts, or what is wrong with it.
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
            Some(number) => number.parse().map_err(|_| format!("`{number}` is no number of a database"))?,
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
        Some((host, port)) => (host, port.parse().map_err(|_| format!("`{port}` is no port of a Sentinel"))?),
        None => (text, SENTINEL_PORT),
    };
    if host.is_empty() {
        return Err("a Sentinel without a host".to_owned());
    }
    Ok(ConnectionAddr::Tcp(host.trim_matches(['[', ']']).to_owned(), port))
}

/// A part of the credentials with its percent-encoding undone; none where it is empty.
fn plain(text: &str) -> Result<Option<String>, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "the user or password of the URL is not UTF-8".to_owned())?;
    Ok((!decoded.is_empty()).then(|| decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let url = "rediss+sentinel://u:p%40ss@a:1,[::1]:2,b/main/3";
        let parsed = SentinelUrl::parse(url).unwrap().unwrap();
        let expected = [("a", 1), ("::1", 2), ("b", SENTINEL_PORT)]
            .map(|(host, port)| ConnectionAddr::Tcp(host.to_owned(), port));
        assert_eq!(parsed.addresses, expected);
        assert_eq!((parsed.master.as_str(), parsed.database, parsed.tls), ("main", 3, true));
        assert_eq!((parsed.user.as_deref(), parsed.password.as_deref()), (Some("u"), Some("p@ss")));
    }

    #[test]
    fn other_urls_are_none_and_broken_ones_say_why() {
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
