//! The secrets among settings: the API keys of embedders.
//!
//! A server cuts the key of an embedder in everything that it shows. It shows headers, and the keys of the
//! two parts of a composite embedder, in full; Miroir cuts the latter as well where it shows settings itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Setting;
use crate::wording::excerpt;

const API_KEY: &str = "apiKey";
/// The parts of a composite embedder, which have keys of their own.
pub(super) const PARTS: [&str; 2] = ["searchEmbedder", "indexingEmbedder"];

/// Returns the JSON pointers of the keys in `settings`, such as `/embedders/default/apiKey`.
pub fn secret_pointers(settings: &Map<String, Value>) -> Vec<String> {
    let embedders = settings.get(Setting::Embedders.key()).and_then(Value::as_object);
    let mut pointers = Vec::new();
    for (name, embedder) in embedders.into_iter().flatten() {
        let base = format!("/{}/{}", Setting::Embedders.key(), name.replace('~', "~0").replace('/', "~1"));
        let own = (base.clone(), embedder);
        let parts = PARTS.iter().filter_map(|part| Some((format!("{base}/{part}"), embedder.get(part)?)));
        let with_key = std::iter::once(own).chain(parts).filter(|(_, part)| part[API_KEY].is_string());
        pointers.extend(with_key.map(|(base, _)| format!("{base}/{API_KEY}")));
    }
    pointers
}

/// Returns the text at a pointer of [`secret_pointers`].
pub(super) fn text_at<'a>(settings: &'a Map<String, Value>, pointer: &str) -> Option<&'a str> {
    let rest = pointer.strip_prefix('/')?;
    let (setting, rest) = rest.split_once('/')?;
    settings.get(setting)?.pointer(&format!("/{rest}"))?.as_str()
}

/// Replaces the text at a pointer of [`secret_pointers`].
pub(super) fn replace_at(settings: &mut Map<String, Value>, pointer: &str, text: String) {
    let slot = pointer.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    let Some((setting, rest)) = slot else { return };
    let value = settings.get_mut(setting).and_then(|value| value.pointer_mut(&format!("/{rest}")));
    if let Some(value) = value {
        *value = Value::String(text);
    }
}

/// Cuts the keys in `settings`, and returns them by their pointers.
pub fn take_secrets(settings: &mut Map<String, Value>) -> BTreeMap<String, String> {
    let mut taken = BTreeMap::new();
    for pointer in secret_pointers(settings) {
        let Some(key) = text_at(settings, &pointer).map(str::to_owned) else { continue };
        replace_at(settings, &pointer, cut(&key));
        taken.insert(pointer, key);
    }
    taken
}

/// Cuts the keys that a node shows in full in its settings. Those that it cuts itself stay as they are.
pub(super) fn cut_keys_of_parts(settings: &mut Map<String, Value>) {
    // `/embedders/<name>/<part>/apiKey`, while the key of the embedder itself has one level less.
    let is_of_part = |pointer: &String| pointer.matches('/').count() == 4;
    for pointer in secret_pointers(settings).into_iter().filter(is_of_part) {
        if let Some(key) = text_at(settings, &pointer).map(cut) {
            replace_at(settings, &pointer, key);
        }
    }
}

/// Keeps at most five characters of a key, as a server does; of a longer key more characters are safe to
/// show.
fn cut(key: &str) -> String {
    let (kept, mark) = match key.len() {
        0..10 => (0, "XXX..."),
        10..20 => (2, "XXXX..."),
        20..30 => (3, "XXXXX..."),
        _ => (5, "XXXXXX..."),
    };
    excerpt(key, kept) + mark
}
