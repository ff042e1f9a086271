//! A query text as terms: words, phrases, and what must not appear.

use std::cell::RefCell;
use std::collections::HashMap;

use super::tokenize::tokenize;
use super::typo::typos;
use crate::settings::Settings;

/// How a word of a document matches a query word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WordMatch {
    /// How many typos apart.
    pub(crate) typos: u8,
    /// Whether it is the same word, not only one that begins with it.
    pub(crate) is_whole: bool,
}

/// One term of a query: a word, or several in quotes.
#[derive(Debug)]
pub(crate) struct Term {
    /// Its words; more than one for a phrase.
    pub(crate) words: Vec<String>,
    /// Its place in the query, in words.
    pub(crate) position: usize,
    /// How many typos its word may have.
    pub(crate) allowed_typos: u8,
    /// Whether it was in quotes: neither typos nor beginnings match.
    pub(crate) is_phrase: bool,
    is_prefix: bool,
    /// What the settings say means the same, in words.
    pub(crate) synonyms: Vec<Vec<String>>,
    known: RefCell<HashMap<String, Option<WordMatch>>>,
}

impl Term {
    /// How a word of a document matches the term's word. Never for phrases of several words.
    pub(crate) fn matches(&self, word: &str) -> Option<WordMatch> {
        if let Some(known) = self.known.borrow().get(word) {
            return *known;
        }
        let wanted = &self.words[0];
        let found = typos(wanted, word, self.is_prefix, self.allowed_typos)
            .map(|typos| WordMatch { typos, is_whole: wanted == word });
        self.known.borrow_mut().insert(word.to_owned(), found);
        found
    }
}

/// A query.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// What is looked for, in written order.
    pub(crate) terms: Vec<Term>,
    /// Words and phrases that must not appear.
    pub(crate) negative: Vec<Vec<String>>,
}

/// A piece of a query: inside quotes or outside, after a minus or not.
struct Piece<'q> {
    text: &'q str,
    is_phrase: bool,
    is_negative: bool,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut is_negative = false;
    for (index, part) in text.split('"').enumerate() {
        let is_phrase = index % 2 == 1;
        if is_phrase {
            pieces.push(Piece { text: part, is_phrase, is_negative });
            continue;
        }
        let trimmed =
            part.strip_suffix('-').filter(|rest| rest.is_empty() || rest.ends_with(char::is_whitespace));
        is_negative = trimmed.is_some();
        for word in trimmed.unwrap_or(part).split_whitespace() {
            let bare = word.strip_prefix('-');
            pieces.push(Piece { text: bare.unwrap_or(word), is_phrase, is_negative: bare.is_some() });
        }
    }
    pieces
}

impl Query {
    /// Reads a query under the settings of an index.
    pub(crate) fn parse(text: &str, settings: &Settings) -> Self {
        let rules = Rules::new(settings);
        let mut query = Self::default();
        let mut position = 0;
        for piece in pieces(text) {
            let words: Vec<String> = tokenize(piece.text).into_iter().map(|token| token.word).collect();
            if words.is_empty() {
                continue;
            }
            if piece.is_negative {
                query.negative.push(words);
            } else if piece.is_phrase {
                let length = words.len();
                query.terms.push(rules.term(words, position, true));
                position += length;
            } else {
                for word in words {
                    if rules.stop_words.contains(&word.as_str()) {
                        continue;
                    }
                    query.terms.push(rules.term(vec![word], position, false));
                    position += 1;
                }
            }
        }
        let ends_in_word = text.ends_with(char::is_alphanumeric);
        if let Some(last) = query.terms.last_mut().filter(|last| !last.is_phrase && ends_in_word) {
            last.is_prefix = rules.allows_prefix;
        }
        query
    }
}

/// What the settings say about query words.
struct Rules<'s> {
    settings: &'s Settings,
    stop_words: Vec<&'s str>,
    allows_typos: bool,
    allows_prefix: bool,
    synonyms: Vec<(Vec<String>, Vec<Vec<String>>)>,
}

fn words_of(text: &str) -> Vec<String> {
    tokenize(text).into_iter().map(|token| token.word).collect()
}

impl<'s> Rules<'s> {
    fn new(settings: &'s Settings) -> Self {
        let synonyms = settings.get("synonyms").as_object().into_iter().flatten();
        let synonyms = synonyms.map(|(word, synonyms)| {
            let texts = synonyms.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
            (words_of(word), texts.map(words_of).filter(|words| !words.is_empty()).collect())
        });
        Self {
            settings,
            stop_words: settings.texts("stopWords"),
            allows_typos: settings.get("typoTolerance")["enabled"] != false,
            allows_prefix: settings.get("prefixSearch") != "disabled",
            synonyms: synonyms.collect(),
        }
    }

    fn term(&self, words: Vec<String>, position: usize, is_phrase: bool) -> Term {
        let synonyms = self.synonyms.iter().filter(|(from, _)| !is_phrase && *from == words);
        Term {
            allowed_typos: if is_phrase { 0 } else { self.allowed_typos(&words[0]) },
            synonyms: synonyms.flat_map(|(_, to)| to.clone()).collect(),
            position,
            is_phrase,
            is_prefix: false,
            words,
            known: RefCell::default(),
        }
    }

    fn allowed_typos(&self, word: &str) -> u8 {
        let typo = self.settings.get("typoTolerance");
        let size = |name: &str| typo["minWordSizeForTypos"][name].as_u64().unwrap_or(u64::MAX);
        let is_exempt =
            typo["disableOnWords"].as_array().is_some_and(|words| words.iter().any(|item| item == word));
        let is_number = word.chars().all(char::is_numeric);
        let length = word.chars().count() as u64;
        if !self.allows_typos || is_exempt || (is_number && typo["disableOnNumbers"] == true) {
            0
        } else if length >= size("twoTypos") {
            2
        } else {
            u8::from(length >= size("oneTypo"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_knows_words_phrases_and_negations() {
        let query = Query::parse("big \"mad max\" -road -\"fury x\" roa", &Settings::default());
        let words: Vec<&[String]> = query.terms.iter().map(|term| term.words.as_slice()).collect();
        assert_eq!(words, [vec!["big"], vec!["mad", "max"], vec!["roa"]]);
        assert_eq!(query.terms[2].position, 3);
        assert_eq!(query.negative, [vec!["road"], vec!["fury", "x"]]);
    }

    #[test]
    fn only_the_last_word_matches_beginnings() {
        let query = Query::parse("won wom", &Settings::default());
        assert_eq!(query.terms[0].matches("wonder"), None);
        assert_eq!(query.terms[1].matches("woman"), Some(WordMatch { typos: 0, is_whole: false }));
        let finished = Query::parse("wom ", &Settings::default());
        assert_eq!(finished.terms[0].matches("woman"), None);
    }

    #[test]
    fn long_words_may_have_typos() {
        let query = Query::parse("road wonder wonderful x", &Settings::default());
        let allowed: Vec<u8> = query.terms.iter().map(|term| term.allowed_typos).collect();
        assert_eq!(allowed, [0, 1, 2, 0]);
    }
}
