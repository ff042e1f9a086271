//! Tenants, and the replica groups of their requests.

use std::fmt;

use crate::GroupId;

/// The SHA-256 of an API key. The key itself is kept nowhere; not even the hash is printed whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyHash(pub [u8; 32]);

impl ApiKeyHash {
    /// Returns sixty-four hexadecimal digits.
    pub fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKeyHash({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

/// One row of `tenant_map`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The hash of the API key that names the tenant.
    pub api_key_hash: ApiKeyHash,
    /// The tenant.
    pub tenant_id: String,
    /// The replica group that serves it. `None` if the hash of its name decides.
    pub group_id: Option<GroupId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_prints_as_hex_and_debugs_as_an_excerpt() {
        let hash = ApiKeyHash([0xab; 32]);
        assert_eq!(hash.to_hex(), "ab".repeat(32));
        assert_eq!(format!("{hash:?}"), "ApiKeyHash(abab..)");
    }
}
