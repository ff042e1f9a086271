//! The URL and the keys of the server.
//!
//! Keys come from the environment or from files, never from flags, because arguments are visible to all users
//! of the machine and remain in the history of the shell.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::client::{Client, Keys};
use crate::failure::Failure;
use crate::text::clean;

/// The default address of Miroir.
const DEFAULT_URL: &str = "http://127.0.0.1:7700";
/// The variable with the key of routes under `/_miroir`.
const ADMIN_KEY: &str = "MIROIR_ADMIN_API_KEY";
/// The variable with the key of client routes. Its name differs from the settings of a server.
const API_KEY: &str = "MIROIR_API_KEY";
/// The maximum size of a key file.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// The options of all commands for a running Miroir.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for every command of this group")]
pub(crate) struct Connection {
    /// URL of the Miroir server. Default: `http://127.0.0.1:7700`.
    #[arg(long, global = true, value_name = "URL", env = "MIROIR_URL", hide_env_values = true)]
    url: Option<String>,
    /// File with the admin key. Default: the variable `MIROIR_ADMIN_API_KEY`.
    #[arg(long, global = true, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
    /// File with the master key. Default: the variable `MIROIR_API_KEY`. Only `task list` needs it.
    #[arg(long, global = true, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Print the unchanged JSON of the server.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Timeout of each request in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

impl Connection {
    /// Makes a client of the server.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let base = base_url(self.url.as_deref().filter(|url| !url.is_empty()).unwrap_or(DEFAULT_URL))?;
        let keys = Keys {
            admin: key(self.admin_key_file.as_deref(), ADMIN_KEY, std::env::var_os(ADMIN_KEY))?,
            api: key(self.api_key_file.as_deref(), API_KEY, std::env::var_os(API_KEY))?,
        };
        Client::new(base, keys, Duration::from_secs(self.timeout))
    }
}

fn base_url(text: &str) -> Result<Url, Failure> {
    // The URL is not repeated, because it may contain a password.
    let refuse = |why: &str| {
        Failure::Usage(format!(
            "the URL of Miroir (--url or MIROIR_URL) {why}. Expected a URL such as {DEFAULT_URL}"
        ))
    };
    let url = Url::parse(text).map_err(|error| refuse(&format!("is invalid: {error}")))?;
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err(refuse(
                "has the scheme https, which is not supported: use an address behind the proxy that terminates TLS, or \
                 forward a port of it to this machine",
            ));
        }
        other => {
            return Err(refuse(&format!("has the unsupported scheme `{}`", clean(other))));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("has a user or password: pass keys as variables or files"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("has a query or fragment"));
    }
    Ok(url)
}

/// Returns the key as the value of `Authorization`. `file` has precedence over `variable`.
fn key(file: Option<&Path>, name: &str, variable: Option<OsString>) -> Result<Option<HeaderValue>, Failure> {
    let (key, source) = match file {
        Some(file) => (read_key(file)?, format!("the key in {}", clean(&file.display().to_string()))),
        None => match variable.filter(|value| !value.is_empty()) {
            None => return Ok(None),
            Some(value) => (value.into_encoded_bytes(), format!("the key in {name}")),
        },
    };
    // Editors and `echo` add a line break to a file, which is not part of the key.
    let key = key.trim_ascii();
    if key.is_empty() {
        return Err(Failure::Usage(format!("{source} is empty")));
    }
    let mut header = HeaderValue::from_bytes(&[b"Bearer ", key].concat())
        .ok()
        .filter(|_| key.iter().all(u8::is_ascii_graphic))
        .ok_or_else(|| Failure::Usage(format!("{source} is not printable ASCII")))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

fn read_key(file: &Path) -> Result<Vec<u8>, Failure> {
    let shown = clean(&file.display().to_string());
    let refuse = |why: String| Failure::Usage(format!("cannot read a key from {shown}: {why}"));
    let opened = std::fs::File::open(file).map_err(|error| refuse(error.to_string()))?;
    let mut key = Vec::new();
    opened.take(MAX_KEY_FILE_BYTES + 1).read_to_end(&mut key).map_err(|error| refuse(error.to_string()))?;
    if key.len() as u64 > MAX_KEY_FILE_BYTES {
        return Err(refuse(format!("it is longer than {MAX_KEY_FILE_BYTES} bytes")));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_url_refuses_invalid_urls_without_repeating_them() {
        for (url, part) in [
            ("127.0.0.1:7700", "is invalid"),
            ("localhost:7700", "unsupported scheme"),
            ("https://h", "terminates TLS"),
            ("ftp://h", "unsupported scheme"),
            ("http://me:very-secret@h", "password"),
            ("http://h/?key=very-secret", "query"),
            ("", "is invalid"),
        ] {
            let error = base_url(url).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(DEFAULT_URL), "{url}: {error}");
            assert!(!error.contains("very-secret"), "{error}");
        }
        assert_eq!(base_url("http://h:1/behind/a/proxy/").unwrap().path(), "/behind/a/proxy/");
    }

    #[test]
    fn key_is_trimmed_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "very-secret\r\n").unwrap();
        let read = key(Some(&file), ADMIN_KEY, Some("other".into())).unwrap().unwrap();
        assert_eq!(read.as_bytes(), b"Bearer very-secret");
        assert!(!format!("{read:?}").contains("very-secret"));
        let read = key(None, ADMIN_KEY, Some("other".into())).unwrap().unwrap();
        assert_eq!(read.as_bytes(), b"Bearer other");
        assert!(key(None, ADMIN_KEY, Some("".into())).unwrap().is_none());
        for bad in ["very-secret two", "very-secret\nline", "very-secr\u{e9}t"] {
            std::fs::write(&file, bad).unwrap();
            let error = key(Some(&file), ADMIN_KEY, None).unwrap_err().to_string();
            assert!(error.contains("printable ASCII") && !error.contains("very-secr"), "{error}");
        }
        std::fs::write(&file, "\n").unwrap();
        assert!(key(Some(&file), ADMIN_KEY, None).unwrap_err().to_string().contains("is empty"));
        std::fs::write(&file, vec![b'x'; 70_000]).unwrap();
        assert!(key(Some(&file), ADMIN_KEY, None).unwrap_err().to_string().contains("longer"));
        assert!(key(Some(Path::new("/no/such/file")), ADMIN_KEY, None).is_err());
    }
}
