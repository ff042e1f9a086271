//! Signatures as Standard Webhooks 1 describes them: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::error::SinkConfigError;

/// The prefix of a secret's text.
const SECRET_PREFIX: &str = "whsec_";
/// The size of a secret in bytes, as Standard Webhooks recommends it.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that sign, newest first. Never printed.
///
/// All of them sign, so that a receiver accepts a delivery with the old secret and with the new one during a
/// change.
pub(crate) struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// Reads secrets from text: `whsec_` and base64.
    pub(crate) fn new(secrets: &[String]) -> Result<Self, SinkConfigError> {
        if secrets.is_empty() {
            return Err(SinkConfigError::NoSecret);
        }
        let read = |(at, secret): (usize, &String)| {
            key(secret).map_err(|reason| SinkConfigError::InvalidSecret { number: at + 1, reason })
        };
        Ok(Self { keys: secrets.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// Returns the value of `webhook-signature`: for each secret, one signature of id, time in Unix seconds
    /// and body.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        let of_key = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(head.as_bytes());
            mac.update(body);
            format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
        };
        self.keys.iter().map(of_key).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({} secrets)", self.keys.len())
    }
}

fn key(secret: &str) -> Result<Hmac<Sha256>, String> {
    let encoded = secret
        .strip_prefix(SECRET_PREFIX)
        .ok_or_else(|| format!("it does not begin with `{SECRET_PREFIX}`"))?;
    // The decoder's error names characters of the secret.
    let bytes = BASE64_STANDARD
        .decode(encoded)
        .map_err(|_| format!("the part after `{SECRET_PREFIX}` is not base64 with padding"))?;
    if !SECRET_BYTES.contains(&bytes.len()) {
        let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
        return Err(format!("it has {} bytes, but must have {least} to {most}", bytes.len()));
    }
    Hmac::new_from_slice(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that Standard Webhooks publishes.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret(bytes: &[u8]) -> String {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(bytes))
    }

    #[test]
    fn signature_equals_the_published_one() {
        let signer = Signer::new(&[SECRET.to_owned()]).unwrap();
        assert_eq!(signer.sign(ID, TIMESTAMP, BODY), SIGNATURE);
    }

    #[test]
    fn every_secret_signs_in_order() {
        let newest = secret(&[7; 32]);
        let alone = Signer::new(std::slice::from_ref(&newest)).unwrap().sign(ID, TIMESTAMP, BODY);
        let both = Signer::new(&[newest, SECRET.to_owned()]).unwrap().sign(ID, TIMESTAMP, BODY);
        assert_eq!(both, format!("{alone} {SIGNATURE}"));
        assert_ne!(alone, SIGNATURE);
    }

    #[test]
    fn secret_is_refused_without_being_printed() {
        assert!(matches!(Signer::new(&[]), Err(SinkConfigError::NoSecret)));
        for (bad, says) in [
            (String::new(), "does not begin with `whsec_`"),
            ("hunter2hunter2".to_owned(), "does not begin with `whsec_`"),
            ("whsec_hunter2!".to_owned(), "not base64"),
            ("whsec_".to_owned(), "has 0 bytes"),
            (secret(&[1; 23]), "has 23 bytes"),
            (secret(&[1; 65]), "has 65 bytes"),
        ] {
            let error = Signer::new(&[SECRET.to_owned(), bad.clone()]).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("secret 2"), "{bad}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for length in [24, 64] {
            Signer::new(&[secret(&vec![1; length])]).unwrap();
        }
    }

    #[test]
    fn secret_is_never_printed() {
        assert_eq!(format!("{:?}", Signer::new(&[SECRET.to_owned()]).unwrap()), "Signer(1 secrets)");
    }
}
