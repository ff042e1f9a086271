//! Who may: the master key for clients, the admin key for operators.

use std::net::SocketAddr;

use http::{HeaderMap, header};
use miroir_domain::error::ErrorCode;

use crate::HttpOptions;
use crate::error::Failure;
use crate::route::Access;

const ADMIN_KEY: &str = "x-admin-key";
/// Headers of a request that a proxy has passed on: then the peer is the proxy, not the client.
const PROXY_MARKS: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Refuses a request that may not use a route of `access`.
pub(crate) fn check(
    access: Access,
    headers: &HeaderMap,
    peer: SocketAddr,
    options: &HttpOptions,
) -> Result<(), Failure> {
    match access {
        Access::Open => Ok(()),
        Access::Client => check_client(headers, options),
        Access::Admin => check_admin(headers, peer, options),
    }
}

fn check_client(headers: &HeaderMap, options: &HttpOptions) -> Result<(), Failure> {
    let Some(master_key) = &options.master_key else { return Ok(()) };
    match bearer(headers) {
        None => Err(Failure::refused(
            ErrorCode::MissingAuthorizationHeader,
            "The Authorization header is missing. It must use the bearer authorization method.",
        )),
        Some(key) if master_key.matches(key) => Ok(()),
        Some(_) => Err(Failure::refused(ErrorCode::InvalidApiKey, "The provided API key is invalid.")),
    }
}

fn check_admin(headers: &HeaderMap, peer: SocketAddr, options: &HttpOptions) -> Result<(), Failure> {
    let refuse = |message: &str| Err(Failure::refused(ErrorCode::MiroirInvalidAuth, message));
    let Some(admin_key) = &options.admin_key else {
        let direct = !PROXY_MARKS.iter().any(|mark| headers.contains_key(*mark));
        if direct && peer.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        return refuse(
            "Without an admin key `/_miroir` answers only on the machine Miroir runs on: configure one to reach it from elsewhere.",
        );
    };
    match headers.get(ADMIN_KEY).map(header::HeaderValue::as_bytes).or_else(|| bearer(headers)) {
        Some(key) if admin_key.matches(key) => Ok(()),
        Some(_) => refuse("The admin key is wrong."),
        None => refuse("`/_miroir` needs the admin key, as `Authorization: Bearer` or `X-Admin-Key`."),
    }
}

/// The key of `Authorization: Bearer`. The word's case matters, as on a Meilisearch server. The parser trims what
/// surrounds a header's value, so an empty key leaves the word alone.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let rest = headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer")?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b" ") }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::Secret;

    fn check_with(access: Access, keys: [Option<&str>; 2], peer: &str, sent: &[(&'static str, &str)]) -> u16 {
        let options = HttpOptions {
            master_key: keys[0].map(Secret::new),
            admin_key: keys[1].map(Secret::new),
            ..HttpOptions::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let outcome = check(access, &headers, peer.parse().unwrap(), &options);
        outcome.map_or_else(|failure| failure.status.as_u16(), |()| 200)
    }

    const FAR: &str = "192.0.2.1:1000";
    const NEAR: &str = "127.0.0.1:1000";
    const KEYS: [Option<&str>; 2] = [Some("master"), Some("admin")];

    #[test]
    fn clients_need_the_master_key_where_there_is_one() {
        let client = |value: &str| check_with(Access::Client, KEYS, FAR, &[("authorization", value)]);
        assert_eq!(client("Bearer master"), 200);
        for wrong in ["Bearer maste", "Bearer  master", "Bearer admin", "Bearer ", "Bearer"] {
            assert_eq!(client(wrong), 403, "{wrong}");
        }
        for missing in ["master", "bearer master", "Basic master", "Bearermaster", ""] {
            assert_eq!(client(missing), 401, "{missing}");
        }
        assert_eq!(check_with(Access::Client, KEYS, NEAR, &[]), 401);
        assert_eq!(check_with(Access::Client, [None, None], FAR, &[]), 200);
        assert_eq!(check_with(Access::Client, [None, None], FAR, &[("authorization", "Bearer x")]), 200);
    }

    #[test]
    fn admins_need_the_admin_key_where_there_is_one() {
        let admin = |sent: &[(&'static str, &str)]| check_with(Access::Admin, KEYS, NEAR, sent);
        assert_eq!(admin(&[("authorization", "Bearer admin")]), 200);
        assert_eq!(admin(&[("x-admin-key", "admin")]), 200);
        assert_eq!(admin(&[("x-admin-key", "wrong"), ("authorization", "Bearer admin")]), 401);
        assert_eq!(admin(&[("authorization", "Bearer master")]), 401);
        assert_eq!(admin(&[]), 401);
    }

    #[test]
    fn without_an_admin_key_only_direct_loopback_peers_pass() {
        let admin = |peer, sent: &[(&'static str, &str)]| check_with(Access::Admin, [None, None], peer, sent);
        for near in [NEAR, "[::1]:1", "[::ffff:127.0.0.1]:1", "127.1.2.3:1"] {
            assert_eq!(admin(near, &[]), 200, "{near}");
        }
        assert_eq!(admin(FAR, &[]), 401);
        assert_eq!(admin(NEAR, &[("x-forwarded-for", "192.0.2.1")]), 401);
    }

    #[test]
    fn open_routes_need_nothing() {
        assert_eq!(check_with(Access::Open, KEYS, FAR, &[]), 200);
    }
}
