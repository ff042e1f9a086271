//! Requests of the writers, and their responses.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A write of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// `POST …/documents`: replaces whole documents.
    Put(Vec<Value>),
    /// `PUT …/documents`: merges into documents.
    Update(Vec<Value>),
    /// `POST …/documents/delete-batch`.
    Delete(Vec<String>),
    /// `PUT …/settings/stop-words`, to one word that no other attempt uses.
    StopWords(String),
    /// `PATCH …/settings` of `synonyms`, to one pair that no other attempt uses.
    Synonyms(String),
    /// `POST /indexes`.
    CreateIndex,
    /// `DELETE /indexes/{uid}`.
    DeleteIndex,
}

impl Write {
    /// Returns the type of the task.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Put(_) | Self::Update(_) => "documentAdditionOrUpdate",
            Self::Delete(_) => "documentDeletion",
            Self::StopWords(_) | Self::Synonyms(_) => "settingsUpdate",
            Self::CreateIndex => "indexCreation",
            Self::DeleteIndex => "indexDeletion",
        }
    }

    /// Returns whether the route accepts `customMetadata`, which identifies the task even if the response was
    /// lost.
    pub fn takes_metadata(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Update(_) | Self::Delete(_))
    }

    /// Returns the changed settings, as the details of the task show them.
    pub fn settings(&self) -> Option<Value> {
        match self {
            Self::StopWords(word) => Some(json!({ "stopWords": [word] })),
            Self::Synonyms(word) => Some(json!({ "synonyms": { "word": [word] } })),
            _ => None,
        }
    }

    /// Returns the ids of the changed documents.
    pub fn ids(&self) -> Vec<&str> {
        match self {
            Self::Put(documents) | Self::Update(documents) => {
                documents.iter().filter_map(|document| document["id"].as_str()).collect()
            }
            Self::Delete(ids) => ids.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// One request of one writer. Its number grows with time for each writer.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub number: u64,
    pub writer: String,
    pub index: String,
    pub write: Write,
    /// Number of starts of Miroir before the request.
    pub begun_in: u32,
    /// Number of starts of Miroir before the response.
    pub responded_in: u32,
    /// Uid of the task if the write was acknowledged.
    pub uid: Option<u64>,
}

impl Attempt {
    /// Returns the `customMetadata` that identifies the task.
    pub fn metadata(&self) -> String {
        format!("attempt-{}", self.number)
    }
}

#[derive(Debug, Default)]
struct Records {
    attempts: Vec<Attempt>,
    refusals: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// The attempts of all writers. Clones share their records.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    records: Arc<Mutex<Records>>,
    life: Arc<AtomicU32>,
}

impl Ledger {
    /// Counts a start of Miroir.
    pub fn next_life(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Records an attempt before its request, and returns it.
    pub fn begin(&self, writer: &str, index: &str, write: impl FnOnce(u64) -> Write) -> Attempt {
        let mut records = self.records.lock().unwrap();
        let number = records.attempts.len() as u64;
        let begun_in = self.life.load(Ordering::SeqCst);
        let attempt = Attempt {
            number,
            writer: writer.to_owned(),
            index: index.to_owned(),
            write: write(number),
            begun_in,
            responded_in: begun_in,
            uid: None,
        };
        records.attempts.push(attempt.clone());
        attempt
    }

    /// Records an acknowledgement.
    pub fn acknowledged(&self, number: u64, uid: u64) {
        let responded_in = self.life.load(Ordering::SeqCst);
        let mut records = self.records.lock().unwrap();
        let position = usize::try_from(number).unwrap();
        let attempt = &mut records.attempts[position];
        attempt.uid = Some(uid);
        attempt.responded_in = responded_in;
    }

    /// Records an expected refusal.
    pub fn refused(&self, code: &str) {
        *self.records.lock().unwrap().refusals.entry(code.to_owned()).or_default() += 1;
    }

    /// Records an unexpected response.
    pub fn wrong(&self, what: String) {
        self.records.lock().unwrap().wrong.push(what);
    }

    /// Returns all attempts, in order.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.records.lock().unwrap().attempts.clone()
    }

    /// Returns the number of refusals by code.
    pub fn refusals(&self) -> BTreeMap<String, usize> {
        self.records.lock().unwrap().refusals.clone()
    }

    /// Returns the unexpected responses.
    pub fn wrong_responses(&self) -> Vec<String> {
        self.records.lock().unwrap().wrong.clone()
    }
}
