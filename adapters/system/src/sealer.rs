//! Sealing of secrets with XChaCha20-Poly1305.
//!
//! A sealed text is `v1.<id of the key>.<nonce and ciphertext in base64>`. The nonce is random. The place for
//! which a secret is sealed is authenticated, so that a sealed text cannot be moved to another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use miroir_ports::outbound::{SealError, Sealer};
use sha2::Sha256;

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;
/// The bytes of the id by which a sealed text names its key.
const ID_BYTES: usize = 6;

/// A sealer with the keys of the configuration. The first seals, and all of them open, so that a key can be
/// replaced.
pub struct KeySealer(Vec<SealingKey>);

struct SealingKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for KeySealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.0.iter().map(|key| key.id.as_str()).collect();
        formatter.debug_tuple("KeySealer").field(&ids).finish()
    }
}

impl KeySealer {
    /// Creates a sealer with keys of any length. Without keys it seals nothing.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(SealingKey::new).collect())
    }
}

/// Derives bytes for `purpose` from a key. The key itself has the entropy, so one step is enough.
fn derive(key: &str, purpose: &str) -> [u8; 32] {
    let mut derived = [0; 32];
    // HMAC takes keys of every length, so the error cannot occur.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
        mac.update(purpose.as_bytes());
        derived.copy_from_slice(&mac.finalize().into_bytes());
    }
    derived
}

impl SealingKey {
    fn new(key: &str) -> Self {
        let id = derive(key, "miroir: id of a sealing key");
        let id = id[..ID_BYTES].iter().map(|byte| format!("{byte:02x}"));
        let cipher = XChaCha20Poly1305::new(&derive(key, "miroir: sealing of secrets").into());
        Self { id: id.collect(), cipher }
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that makes nonces")]
    fn seal(&self, secret: &str, place: &str) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        if let Err(error) = getrandom::fill(&mut nonce) {
            tracing::error!("cannot seal a secret: the system has no randomness: {error}");
            return None;
        }
        let payload = Payload { msg: secret.as_bytes(), aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        let body = STANDARD_NO_PAD.encode([&nonce[..], &sealed[..]].concat());
        Some(format!("{VERSION}.{}.{body}", self.id))
    }

    fn open(&self, body: &str, place: &str) -> Option<String> {
        let bytes = STANDARD_NO_PAD.decode(body).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        String::from_utf8(self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?).ok()
    }
}

impl Sealer for KeySealer {
    fn seal(&self, secret: &str, place: &str) -> Option<String> {
        self.0.first()?.seal(secret, place)
    }

    fn open(&self, sealed: &str, place: &str) -> Result<String, SealError> {
        let error = |reason: String| SealError(format!("the secret of {place} cannot be opened: {reason}"));
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(error("it was sealed by a newer Miroir, or is damaged".to_owned()));
        };
        let key = self.0.iter().find(|key| key.id == id).ok_or_else(|| {
            error(format!(
                "the key that sealed it (id {id}) is not among `store.sealing_keys`: add it at the end"
            ))
        })?;
        key.open(body, place).ok_or_else(|| error("it is damaged, or was made for another place".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "index `films`, /embedders/e/apiKey";

    #[test]
    fn sealed_secret_is_opened_by_its_key_for_its_place_alone() {
        let sealer = KeySealer::new(["the first key"]);
        let text = sealer.seal("sk-ß-secret", PLACE).unwrap();
        assert!(!text.contains("secret"));
        assert_ne!(sealer.seal("sk-ß-secret", PLACE).unwrap(), text, "every seal is another");
        assert_eq!(sealer.open(&text, PLACE).unwrap(), "sk-ß-secret");
        let elsewhere = sealer.open(&text, "index `books`, /embedders/e/apiKey").unwrap_err();
        assert!(
            elsewhere.to_string().ends_with("it is damaged, or was made for another place"),
            "{elsewhere}"
        );
        let other = KeySealer::new(["another key"]).open(&text, PLACE).unwrap_err().to_string();
        assert!(other.contains(PLACE) && other.contains("`store.sealing_keys`"), "{other}");
        assert!(!other.contains("another key") && !other.contains(&text), "{other}");
    }

    #[test]
    fn first_key_seals_and_all_open() {
        let old = KeySealer::new(["old"]).seal("secret", PLACE).unwrap();
        let both = KeySealer::new(["new", "old"]);
        assert_eq!(both.open(&old, PLACE).unwrap(), "secret");
        let new = both.seal("secret", PLACE).unwrap();
        assert_eq!(KeySealer::new(["new"]).open(&new, PLACE).unwrap(), "secret");
        assert!(KeySealer::new(["old"]).open(&new, PLACE).is_err());
    }

    #[test]
    fn without_a_key_nothing_is_sealed() {
        assert_eq!(KeySealer::new([]).seal("secret", PLACE), None);
        assert!(KeySealer::new([]).open("v1.00.AA", PLACE).is_err());
    }

    #[test]
    fn damaged_text_is_refused() {
        let sealer = KeySealer::new(["key"]);
        let text = sealer.seal("secret", PLACE).unwrap();
        for place in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(sealer.open(&damaged, PLACE).is_err(), "{place}");
        }
        for damaged in ["", "v1", "v1..", "v2.00.AA"] {
            assert!(sealer.open(damaged, PLACE).is_err(), "{damaged}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", KeySealer::new(["sesame"])).contains("sesame"));
    }
}
