//! Documents and settings as clients write them, and answers compared with the model.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::{Effect, Model, NONE, Register, Window, all_documents, kind_of};
use crate::plan::INDEXES;

/// The documents of an answer: version and patch by number.
pub type Found = BTreeMap<u64, (u64, u64)>;

/// Returns a document of a write that has documents.
///
/// # Panics
///
/// Panics for another effect.
pub fn document_of(index: usize, id: u64, effect: Effect) -> Value {
    match effect {
        Effect::Put(version) => json!({ "id": id, "ix": index, "v": version, "k": kind_of(version, id) }),
        Effect::Update(version) => json!({ "id": id, "p": version }),
        _ => unreachable!("other writes have no documents"),
    }
}

/// Returns the settings of a write that sets them.
///
/// # Panics
///
/// Panics for another effect.
pub fn settings_of(effect: Effect) -> Value {
    let Effect::Settings(version) = effect else { unreachable!("other writes have no settings") };
    json!({ "filterableAttributes": ["k"], "stopWords": [format!("s{version}")] })
}

/// Returns the version in the stop words of an index.
pub fn settings_version(stop_words: &Value) -> u64 {
    let word = stop_words.get(0).and_then(Value::as_str);
    word.and_then(|word| word.strip_prefix('s')?.parse().ok()).unwrap_or(NONE)
}

/// Reads documents out of an answer. Returns a sentence for one that cannot be there.
pub fn read<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Result<Found, String> {
    let mut found = Found::new();
    for document in documents {
        let id = document.get("id").and_then(Value::as_u64);
        let Some(id) = id else { return Err(format!("a document without its id: {document}")) };
        let number = |name| document.get(name).and_then(Value::as_u64).unwrap_or(NONE);
        if found.insert(id, (number("v"), number("p"))).is_some() {
            return Err(format!("document {id} twice"));
        }
    }
    Ok(found)
}

impl Model {
    /// Returns a sentence for a document that is wrong in an answer about a whole index.
    pub fn wrong_in(&self, index: usize, found: &Found, window: Window) -> Option<String> {
        if let Some(unknown) = found.keys().find(|id| all_documents().all(|known| known != **id)) {
            return Some(format!("document {unknown}, which nobody wrote"));
        }
        all_documents().find_map(|id| self.wrong(index, id, found.get(&id).copied(), window))
    }

    /// Returns a sentence if a document is wrong.
    pub fn wrong(&self, index: usize, id: u64, found: Option<(u64, u64)>, window: Window) -> Option<String> {
        let name = INDEXES[index];
        let may_be = |register, value| self.may_be(index, register, value, window);
        match found {
            None if may_be(Register::Document(id), NONE) => None,
            None => Some(format!("document {id} of {name} is missing")),
            Some(_) if !may_be(Register::Document(id), 1) => {
                Some(format!("document {id} of {name} is there, though it was deleted"))
            }
            Some((version, _)) if !may_be(Register::Version(id), version) => {
                Some(format!("document {id} of {name} has version {version}"))
            }
            Some((_, patch)) if !may_be(Register::Patch(id), patch) => {
                Some(format!("document {id} of {name} has patch {patch}"))
            }
            Some(_) => None,
        }
    }

    /// Returns a sentence if an index that is there is said to be missing, by the code of an error.
    pub fn wrongly_absent(&self, index: usize, code: &str, window: Window) -> Option<String> {
        let is_wrong = code == "index_not_found" && !self.may_be(index, Register::Index, NONE, window);
        is_wrong.then(|| format!("index {} is said to be missing", INDEXES[index]))
    }

    /// Returns the least and the greatest number of documents that an index may have.
    pub fn count(&self, index: usize, window: Window) -> (u64, u64) {
        let may_be = |id, value| self.may_be(index, Register::Document(id), value, window);
        let least = all_documents().filter(|id| !may_be(*id, NONE)).count() as u64;
        let greatest = all_documents().filter(|id| may_be(*id, 1)).count() as u64;
        (least, greatest)
    }
}
