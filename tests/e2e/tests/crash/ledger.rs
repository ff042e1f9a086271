//! What the writers asked for, and what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// One write as a client wants it.
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
    /// The type of its task.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Put(_) | Self::Update(_) => "documentAdditionOrUpdate",
            Self::Delete(_) => "documentDeletion",
            Self::StopWords(_) | Self::Synonyms(_) => "settingsUpdate",
            Self::CreateIndex => "indexCreation",
            Self::DeleteIndex => "indexDeletion",
        }
    }

    /// Whether its route takes `customMetadata`, by which its task is known even when its answer was lost.
    pub fn takes_metadata(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Update(_) | Self::Delete(_))
    }

    /// The settings it changes, as the details of its task show them.
    pub fn settings(&self) -> Option<Value> {
        match self {
            Self::StopWords(word) => Some(json!({ "stopWords": [word] })),
            Self::Synonyms(word) => Some(json!({ "synonyms": { "word": [word] } })),
            _ => None,
        }
    }

    /// The ids it touches.
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
    /// How often Miroir had been started when the request began.
    pub begun_in: u32,
    /// How often Miroir had been started when the answer came.
    pub answered_in: u32,
    /// The task, when the write was acknowledged.
    pub uid: Option<u64>,
}

impl Attempt {
    /// What the client sends along to know its task again.
    pub fn metadata(&self) -> String {
        format!("attempt-{}", self.number)
    }
}

#[derive(Debug, Default)]
struct Book {
    attempts: Vec<Attempt>,
    refusals: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// The attempts of all writers. Clones are handles to the same book.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
    life: Arc<AtomicU32>,
}

impl Ledger {
    /// Miroir is started once more.
    pub fn next_life(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Writes down what is about to be asked; answers with it.
    pub fn begin(&self, writer: &str, index: &str, write: impl FnOnce(u64) -> Write) -> Attempt {
        let mut book = self.book.lock().unwrap();
        let number = book.attempts.len() as u64;
        let begun_in = self.life.load(Ordering::SeqCst);
        let attempt = Attempt {
            number,
            writer: writer.to_owned(),
            index: index.to_owned(),
            write: write(number),
            begun_in,
            answered_in: begun_in,
            uid: None,
        };
        book.attempts.push(attempt.clone());
        attempt
    }

    /// The write was acknowledged.
    pub fn acknowledged(&self, number: u64, uid: u64) {
        let answered_in = self.life.load(Ordering::SeqCst);
        let mut book = self.book.lock().unwrap();
        let position = usize::try_from(number).unwrap();
        let attempt = &mut book.attempts[position];
        attempt.uid = Some(uid);
        attempt.answered_in = answered_in;
    }

    /// The write was refused for a reason that may happen.
    pub fn refused(&self, code: &str) {
        *self.book.lock().unwrap().refusals.entry(code.to_owned()).or_default() += 1;
    }

    /// An answer that must not happen.
    pub fn wrong(&self, what: String) {
        self.book.lock().unwrap().wrong.push(what);
    }

    /// All attempts, in order.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.book.lock().unwrap().attempts.clone()
    }

    /// How often each refusal came.
    pub fn refusals(&self) -> BTreeMap<String, usize> {
        self.book.lock().unwrap().refusals.clone()
    }

    /// The answers that must not happen.
    pub fn wrong_answers(&self) -> Vec<String> {
        self.book.lock().unwrap().wrong.clone()
    }
}
