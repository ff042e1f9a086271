//! `If-Match`: the condition on which a versioned resource is changed.

use http::{HeaderMap, header};
use miroir_domain::error::ErrorCode;
use miroir_domain::wording::excerpt;

use crate::error::Failure;

/// The maximum number of characters of a refused header that an error repeats.
const EXCERPT_CHARS: usize = 80;

/// The condition of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// No header.
    Any,
    /// `*`: the resource must exist.
    Exists,
    /// The resource must have this version.
    Version(u64),
}

impl IfMatch {
    /// Reads one version, as in an `ETag`, or `*`. Weak tags are accepted, because proxies that compress
    /// responses make tags weak.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let mut values = headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else { return Ok(Self::Any) };
        let text = String::from_utf8_lossy(value.as_bytes());
        let tag = text.trim();
        if tag == "*" && values.next().is_none() {
            return Ok(Self::Exists);
        }
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let plain = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(tag);
        let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
        match plain.parse() {
            Ok(version) if digits && values.next().is_none() => Ok(Self::Version(version)),
            _ => {
                let message = format!(
                    "`If-Match: {}` is not a version. Send one `ETag`, such as `\"3\"`, or `*`.",
                    excerpt(text, EXCERPT_CHARS)
                );
                Err(Failure::refused(ErrorCode::BadRequest, message))
            }
        }
    }
}
