//! Checks of keys: the master key for clients, the admin key for operators.

use std::net::SocketAddr;

use http::{HeaderMap, header};
use miroir_domain::error::ErrorCode;

use crate::HttpOptions;
use crate::error::Failure;
use crate::route::Access;

const ADMIN_KEY: &str = "x-admin-key";
/// Headers that a proxy adds. With one of them the peer is the proxy, not the client.
const PROXY_HEADERS: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Refuses a request without the key that `access` requires.
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
        let direct = !PROXY_HEADERS.iter().any(|name| headers.contains_key(*name));
        if direct && peer.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        return refuse(
            "Without an admin key `/_miroir` is served only on the machine Miroir runs on. Configure a key to reach it from elsewhere.",
        );
    };
    match headers.get(ADMIN_KEY).map(header::HeaderValue::as_bytes).or_else(|| bearer(headers)) {
        Some(key) if admin_key.matches(key) => Ok(()),
        Some(_) => refuse("The admin key is wrong."),
        None => refuse("`/_miroir` needs the admin key, as `Authorization: Bearer` or `X-Admin-Key`."),
    }
}

/// Returns the key of `Authorization: Bearer`. The word is case-sensitive, as on a Meilisearch server. The
/// parser trims header values, so with an empty key only the word is left.
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
    fn check_requires_the_master_key_of_clients_if_one_is_configured() {
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
    fn check_requires_the_admin_key_of_operators_if_one_is_configured() {
        let admin = |sent: &[(&'static str, &str)]| check_with(Access::Admin, KEYS, NEAR, sent);
        assert_eq!(admin(&[("authorization", "Bearer admin")]), 200);
        assert_eq!(admin(&[("x-admin-key", "admin")]), 200);
        assert_eq!(admin(&[("x-admin-key", "wrong"), ("authorization", "Bearer admin")]), 401);
        assert_eq!(admin(&[("authorization", "Bearer master")]), 401);
        assert_eq!(admin(&[]), 401);
    }

    #[test]
    fn check_admits_only_direct_loopback_peers_without_an_admin_key() {
        let admin = |peer, sent: &[(&'static str, &str)]| check_with(Access::Admin, [None, None], peer, sent);
        for near in [NEAR, "[::1]:1", "[::ffff:127.0.0.1]:1", "127.1.2.3:1"] {
            assert_eq!(admin(near, &[]), 200, "{near}");
        }
        assert_eq!(admin(FAR, &[]), 401);
        assert_eq!(admin(NEAR, &[("x-forwarded-for", "192.0.2.1")]), 401);
    }

    #[test]
    fn check_admits_everyone_to_open_routes() {
        assert_eq!(check_with(Access::Open, KEYS, FAR, &[]), 200);
    }
}
