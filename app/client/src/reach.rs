//! Which Miroir is asked, and with which keys.
//!
//! Keys come from the environment or from files, never from flags: arguments are seen by everyone on the machine and stay in
//! the history of the shell.

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

/// Where Miroir listens unless it is told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:7700";
/// Opens `/_miroir`.
const ADMIN_KEY: &str = "MIROIR_ADMIN_API_KEY";
/// Opens what clients use. Not `MIROIR_MASTER_KEY`, which someone who configures a server may take for a setting.
const API_KEY: &str = "MIROIR_API_KEY";
/// More than any key has.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// The flags that every command for a running Miroir takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for every command of this group")]
pub(crate) struct Reach {
    /// The Miroir to ask; `http://127.0.0.1:7700` unless it is named.
    #[arg(long, global = true, value_name = "URL", env = "MIROIR_URL", hide_env_values = true)]
    url: Option<String>,
    /// The file that holds the admin key; without it, the variable `MIROIR_ADMIN_API_KEY`.
    #[arg(long, global = true, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
    /// The file that holds the key that clients use; without it, the variable `MIROIR_API_KEY`. Only `task list` needs it.
    #[arg(long, global = true, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Print what the server answers, unchanged, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Seconds to wait for one answer.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

impl Reach {
    /// A client of that Miroir.
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
    // What is printed is no more than needed: somebody may have put a password into it.
    let refuse = |why: &str| {
        Failure::Usage(format!("the URL of Miroir (--url or MIROIR_URL) {why}. Write it like {DEFAULT_URL}"))
    };
    let url = Url::parse(text).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err(refuse(
                "begins with https, which this program does not speak: name an address behind the proxy that ends \
                 TLS, or forward a port of it to this machine",
            ));
        }
        other => {
            return Err(refuse(&format!("begins with `{}`, which is no protocol of Miroir", clean(other))));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("holds a user or password: keys come from variables or files"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("ends in a query or fragment"));
    }
    Ok(url)
}

/// The key, as the value of `Authorization`.
fn key(file: Option<&Path>, name: &str, variable: Option<OsString>) -> Result<Option<HeaderValue>, Failure> {
    let (key, source) = match file {
        Some(file) => (key_of(file)?, format!("the key in {}", clean(&file.display().to_string()))),
        None => match variable.filter(|value| !value.is_empty()) {
            None => return Ok(None),
            Some(value) => (value.into_encoded_bytes(), format!("the key in {name}")),
        },
    };
    // Editors and `echo` end a file with a line break, which is part of no key.
    let key = key.trim_ascii();
    if key.is_empty() {
        return Err(Failure::Usage(format!("{source} is empty")));
    }
    let mut header = HeaderValue::from_bytes(&[b"Bearer ", key].concat())
        .ok()
        .filter(|_| key.iter().all(u8::is_ascii_graphic))
        .ok_or_else(|| Failure::Usage(format!("{source} holds something else than printable ASCII")))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

fn key_of(file: &Path) -> Result<Vec<u8>, Failure> {
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
    fn urls_that_cannot_be_asked_are_refused_without_their_secrets() {
        for (url, part) in [
            ("127.0.0.1:7700", "cannot be read"),
            ("localhost:7700", "no protocol"),
            ("https://h", "ends TLS"),
            ("ftp://h", "no protocol"),
            ("http://me:very-secret@h", "password"),
            ("http://h/?key=very-secret", "query"),
            ("", "cannot be read"),
        ] {
            let said = base_url(url).unwrap_err().to_string();
            assert!(said.contains(part) && said.contains(DEFAULT_URL), "{url}: {said}");
            assert!(!said.contains("very-secret"), "{said}");
        }
        assert_eq!(base_url("http://h:1/behind/a/proxy/").unwrap().path(), "/behind/a/proxy/");
    }

    #[test]
    fn keys_are_read_without_the_end_of_their_line_and_never_shown() {
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
            let said = key(Some(&file), ADMIN_KEY, None).unwrap_err().to_string();
            assert!(said.contains("printable ASCII") && !said.contains("very-secr"), "{said}");
        }
        std::fs::write(&file, "\n").unwrap();
        assert!(key(Some(&file), ADMIN_KEY, None).unwrap_err().to_string().contains("is empty"));
        std::fs::write(&file, vec![b'x'; 70_000]).unwrap();
        assert!(key(Some(&file), ADMIN_KEY, None).unwrap_err().to_string().contains("longer"));
        assert!(key(Some(Path::new("/no/such/file")), ADMIN_KEY, None).is_err());
    }
}
