//! The credentials of a connection.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_nats::{Auth, AuthError};
use nkeys::KeyPair;

use super::options::NatsOptions;
use crate::error::SinkConfigError;

/// The proof of identity for a server. Never printed.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    User { name: String, password: String },
    Token(String),
    Signed { jwt: String, key: Arc<KeyPair> },
}

impl Credentials {
    /// Takes the one kind of credentials that is configured.
    pub(crate) fn new(options: &NatsOptions) -> Result<Self, SinkConfigError> {
        let ambiguous = |reason| Err(SinkConfigError::AmbiguousCredentials { reason });
        match (&options.user, &options.password, &options.token, &options.credentials_file) {
            (None, None, None, None) => Ok(Self::None),
            (Some(name), Some(password), None, None) => {
                Ok(Self::User { name: name.clone(), password: password.clone() })
            }
            (Some(_), None, None, None) => ambiguous("the user has no password"),
            (None, Some(_), None, None) => ambiguous("the password has no user"),
            (None, None, Some(token), None) => Ok(Self::Token(token.clone())),
            (None, None, None, Some(file)) => {
                read(file).map_err(|reason| SinkConfigError::CredentialsFile { file: file.clone(), reason })
            }
            _ => ambiguous("configure either user and password, or a token, or a credentials file"),
        }
    }

    /// Returns the response to a server's challenge.
    pub(crate) fn respond(&self, challenge: &[u8]) -> Result<Auth, AuthError> {
        let mut auth = Auth::new();
        match self {
            Self::None => {}
            Self::User { name, password } => {
                auth.username = Some(name.clone());
                auth.password = Some(password.clone());
            }
            Self::Token(token) => auth.token = Some(token.clone()),
            Self::Signed { jwt, key } => {
                auth.jwt = Some(jwt.clone());
                auth.signature = Some(key.sign(challenge).map_err(AuthError::new)?);
            }
        }
        Ok(auth)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::User { .. } => "User(***)",
            Self::Token(_) => "Token(***)",
            Self::Signed { .. } => "Signed(***)",
        })
    }
}

fn read(file: &Path) -> Result<Credentials, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let jwt = block(&text, "USER JWT").ok_or("it has no block `NATS USER JWT`")?;
    let seed = block(&text, "USER NKEY SEED").ok_or("it has no block `USER NKEY SEED`")?;
    // The decoder's error may repeat the content of the file.
    let key = KeyPair::from_seed(seed).map_err(|_| "its seed is not one of an nkey")?;
    Ok(Credentials::Signed { jwt: jwt.to_owned(), key: Arc::new(key) })
}

/// Returns the line below the line of dashes that begins the block `name`.
fn block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.find(|line| line.starts_with("---") && line.contains("BEGIN") && line.contains(name))?;
    lines.next().filter(|line| !line.starts_with("---"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    fn options() -> NatsOptions {
        NatsOptions {
            url: "nats://host".to_owned(),
            subject: "a".to_owned(),
            user: None,
            password: None,
            token: None,
            credentials_file: None,
            timeout: Duration::from_secs(1),
        }
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn one_kind_of_credentials_is_accepted_and_never_printed() {
        for (options, shown) in [
            (options(), "None"),
            (
                NatsOptions { user: Some(text("u")), password: Some(text("hunter2")), ..options() },
                "User(***)",
            ),
            (NatsOptions { token: Some(text("hunter2")), ..options() }, "Token(***)"),
        ] {
            assert_eq!(format!("{:?}", Credentials::new(&options).unwrap()), shown);
            assert!(!format!("{options:?}").contains("hunter2"));
        }
        for bad in [
            NatsOptions { user: Some(text("u")), ..options() },
            NatsOptions { password: Some(text("hunter2")), ..options() },
            NatsOptions {
                user: Some(text("u")),
                password: Some(text("hunter2")),
                token: Some(text("hunter2")),
                ..options()
            },
            NatsOptions {
                token: Some(text("hunter2")),
                credentials_file: Some(PathBuf::from("x")),
                ..options()
            },
        ] {
            let error = Credentials::new(&bad).unwrap_err();
            assert!(matches!(error, SinkConfigError::AmbiguousCredentials { .. }), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn credentials_file_gives_a_jwt_and_a_key_that_signs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("user.creds");
        let key = KeyPair::new_user();
        let write = |seed: &str| {
            let text = format!(
                "-----BEGIN NATS USER JWT-----\nthe.jwt\n------END NATS USER JWT------\n\n*** IMPORTANT ***\n\n\
                 -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
            );
            std::fs::write(&file, text).unwrap();
            Credentials::new(&NatsOptions { credentials_file: Some(file.clone()), ..options() })
        };
        let auth = write(&key.seed().unwrap()).unwrap().respond(b"challenge").unwrap();
        assert_eq!(auth.jwt.as_deref(), Some("the.jwt"));
        key.verify(b"challenge", &auth.signature.unwrap()).unwrap();

        let error = write("hunter2").unwrap_err().to_string();
        assert!(error.contains("user.creds") && error.contains("seed"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn unusable_credentials_file_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("user.creds");
        let of_file = || {
            let options = NatsOptions { credentials_file: Some(file.clone()), ..options() };
            Credentials::new(&options).unwrap_err().to_string()
        };
        assert!(of_file().contains("No such file"), "{}", of_file());
        std::fs::write(&file, "hello").unwrap();
        assert!(of_file().contains("NATS USER JWT"), "{}", of_file());
        std::fs::write(&file, "-----BEGIN NATS USER JWT-----\na\n").unwrap();
        assert!(of_file().contains("NKEY SEED"), "{}", of_file());
    }
}
