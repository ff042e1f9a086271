//! API keys. They are data of the node, except for the text that a client sends, which depends on the master
//! key as well.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use crate::error::ApiError;

/// A key to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewKey {
    pub(crate) uid: Uuid,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) indexes: Vec<String>,
    /// The instant in RFC 3339 with the offset that the client sent.
    pub(crate) expires_at: Option<String>,
}

/// A text in the body of a request, in which `null` differs from an absent field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum TextField {
    #[default]
    Absent,
    Given(Option<String>),
}

impl TextField {
    /// Returns the text of a field that may be absent.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Given(text) => text,
        }
    }

    fn replace(self, text: &mut Option<String>) {
        if let Self::Given(new) = self {
            *text = new;
        }
    }
}

/// A change of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyChange {
    pub(crate) name: TextField,
    pub(crate) description: TextField,
}

/// A key with its times.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    content: NewKey,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ApiKey {
    /// Returns the key as `GET /keys/{uid}` shows it.
    pub(crate) fn view(&self, master_key: &str) -> Value {
        let key = &self.content;
        json!({
            "name": key.name,
            "description": key.description,
            "key": secret(&key.uid, master_key),
            "uid": key.uid.to_string(),
            "actions": key.actions,
            "indexes": key.indexes,
            "expiresAt": key.expires_at,
            "createdAt": self.created_at.to_string(),
            "updatedAt": self.updated_at.to_string(),
        })
    }

    fn is_named(&self, name: &str, master_key: &str) -> bool {
        match Uuid::parse_str(name) {
            Ok(uid) => uid == self.content.uid,
            Err(_) => name == secret(&self.content.uid, master_key),
        }
    }
}

/// The keys of a node in order of their creation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<ApiKey>);

impl Keys {
    /// Returns the keys, newest first.
    pub(crate) fn newest_first(&self) -> impl ExactSizeIterator<Item = &ApiKey> {
        self.0.iter().rev()
    }

    /// Returns the key with this uid, or with this text as its secret.
    pub(crate) fn get(&self, name: &str, master_key: &str) -> Result<&ApiKey, ApiError> {
        Ok(&self.0[self.position(name, master_key)?])
    }

    /// Creates a key. Refuses a uid that exists.
    pub(crate) fn create(&mut self, key: NewKey, now: Timestamp) -> Result<&ApiKey, ApiError> {
        if self.0.iter().any(|existing| existing.content.uid == key.uid) {
            let message = format!("`uid` field value `{}` is already an existing API key.", key.uid);
            return Err(ApiError::with_status(409, "api_key_already_exists", message));
        }
        self.0.push(ApiKey { content: key, created_at: now, updated_at: now });
        Ok(&self.0[self.0.len() - 1])
    }

    /// Changes the key with this uid, or with this text as its secret.
    pub(crate) fn update(
        &mut self,
        name: &str,
        master_key: &str,
        change: KeyChange,
        now: Timestamp,
    ) -> Result<&ApiKey, ApiError> {
        let position = self.position(name, master_key)?;
        let key = &mut self.0[position];
        change.name.replace(&mut key.content.name);
        change.description.replace(&mut key.content.description);
        key.updated_at = now;
        Ok(key)
    }

    /// Removes the key with this uid, or with this text as its secret.
    pub(crate) fn remove(&mut self, name: &str, master_key: &str) -> Result<(), ApiError> {
        let position = self.position(name, master_key)?;
        self.0.remove(position);
        Ok(())
    }

    /// Creates the default keys if there are no keys, as a server does that starts with a master key.
    pub(crate) fn create_defaults(&mut self, now: Timestamp) {
        if !self.0.is_empty() {
            return;
        }
        self.0.extend(DEFAULTS.map(|(name, description, actions)| ApiKey {
            content: NewKey {
                uid: random_uid(),
                name: Some(name.to_owned()),
                description: Some(description.to_owned()),
                actions: actions.iter().map(|action| (*action).to_owned()).collect(),
                indexes: vec!["*".to_owned()],
                expires_at: None,
            },
            created_at: now,
            updated_at: now,
        }));
    }

    fn position(&self, name: &str, master_key: &str) -> Result<usize, ApiError> {
        self.0.iter().position(|key| key.is_named(name, master_key)).ok_or_else(|| {
            let shown = Uuid::parse_str(name).map_or_else(|_| name.to_owned(), |uid| uid.to_string());
            ApiError::with_status(404, "api_key_not_found", format!("API key `{shown}` not found."))
        })
    }
}

/// The name, description and actions of each default key, in order of creation.
const DEFAULTS: [(&str, &str, &[&str]); 4] = [
    ("Default Chat API Key", "Use it to chat and search from the frontend", &["chatCompletions", "search"]),
    (
        "Default Read-Only Admin API Key",
        "Use it to read information across the whole database. Caution! Do not expose this key on a public frontend",
        &["*.get", "keys.get"],
    ),
    (
        "Default Admin API Key",
        "Use it for anything that is not a search operation. Caution! Do not expose it on a public frontend",
        &["*"],
    ),
    ("Default Search API Key", "Use it to search from the frontend", &["search"]),
];

/// Returns a new random uid.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated server stands for another process with its own randomness"
)]
pub(crate) fn random_uid() -> Uuid {
    Uuid::new_v4()
}

/// Returns the text that a client sends: the HMAC-SHA256 of the uid under the master key, in hexadecimal.
fn secret(uid: &Uuid, master_key: &str) -> String {
    // HMAC takes keys of any length, so this cannot fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(master_key.as_bytes()).expect("HMAC takes any key");
    mac.update(uid.to_string().as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER_KEY: &str = "a-master-key-0123456789";
    const UID: &str = "6062abda-a5aa-4414-ac91-ecd7944c0f8d";

    fn new_key(uid: Uuid) -> NewKey {
        let (actions, indexes) = (vec!["search".to_owned()], vec!["a".to_owned()]);
        NewKey { uid, name: None, description: None, actions, indexes, expires_at: None }
    }

    fn keys() -> Keys {
        let mut keys = Keys::default();
        keys.create(new_key(UID.parse().unwrap()), Timestamp::UNIX_EPOCH).unwrap();
        keys
    }

    #[test]
    fn secret_equals_that_of_a_real_server() {
        let expected = "8f5462989a5e5407562afd80031e79692141893e683684d84926dfa3e4aa8ebd";
        assert_eq!(secret(&UID.parse().unwrap(), MASTER_KEY), expected);
    }

    #[test]
    fn secret_depends_on_the_master_key() {
        let keys = keys();
        let [one, other] = ["one", "other"].map(|key| keys.get(UID, key).unwrap().view(key));
        assert_ne!(one["key"], other["key"]);
        assert_eq!(one["uid"], other["uid"]);
    }

    #[test]
    fn key_is_found_by_its_uid_in_any_form_and_by_its_secret() {
        let keys = keys();
        let secret = secret(&UID.parse().unwrap(), MASTER_KEY);
        for name in [UID, &UID.to_uppercase(), &UID.replace('-', ""), &secret] {
            assert_eq!(keys.get(name, MASTER_KEY).unwrap().content.uid.to_string(), UID, "{name}");
        }
        assert_eq!(keys.get(&secret, "another").unwrap_err().code, "api_key_not_found");
    }

    #[test]
    fn default_keys_are_created_only_without_other_keys() {
        let mut keys = keys();
        keys.create_defaults(Timestamp::UNIX_EPOCH);
        assert_eq!(keys.newest_first().len(), 1);
        keys.remove(UID, MASTER_KEY).unwrap();
        keys.create_defaults(Timestamp::UNIX_EPOCH);
        assert_eq!(keys.newest_first().len(), 4);
    }

    #[test]
    fn update_keeps_absent_fields() {
        let given = |text: &str| TextField::Given(Some(text.to_owned()));
        let mut keys = keys();
        let named = KeyChange { name: given("n"), description: TextField::Absent };
        keys.update(UID, MASTER_KEY, named, Timestamp::MAX).unwrap();
        let described = KeyChange { name: TextField::Absent, description: given("d") };
        let key = keys.update(UID, MASTER_KEY, described, Timestamp::MAX).unwrap().view(MASTER_KEY);
        assert_eq!((&key["name"], &key["description"]), (&json!("n"), &json!("d")));
        assert_ne!(key["updatedAt"], key["createdAt"]);
    }
}
