//! Queries as terms: words, phrases, and words that must not appear.

use std::cell::RefCell;
use std::collections::HashMap;

use super::typo::typos;
use crate::settings::Settings;
use crate::tokenize::{Token, tokenize};

/// A match between a word of a document and a word of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WordMatch {
    /// The number of typos between them.
    pub(crate) typos: u8,
    /// True if the words are equal, false if the document's word only begins with the query's.
    pub(crate) is_whole: bool,
}

/// One term of a query: a word, or several words in quotes.
#[derive(Debug)]
pub(crate) struct Term {
    /// The words of the term; more than one for a phrase.
    pub(crate) words: Vec<String>,
    /// The position of the term in the query, counted in words.
    pub(crate) position: usize,
    /// The number of typos that a matching word may have.
    pub(crate) allowed_typos: u8,
    /// True if the term was in quotes: neither typos nor beginnings match.
    pub(crate) is_phrase: bool,
    /// True if words that begin with the term match as well.
    pub(crate) is_prefix: bool,
    /// The synonyms in the settings, each as its words.
    pub(crate) synonyms: Vec<Vec<String>>,
    known: RefCell<HashMap<String, Option<WordMatch>>>,
}

impl Term {
    /// Matches a word of a document with the term's word. Not meant for phrases of several words.
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
    /// The terms that are searched, in written order.
    pub(crate) terms: Vec<Term>,
    /// The words and phrases that must not appear.
    pub(crate) negative: Vec<Vec<String>>,
}

/// A piece of a query: inside or outside quotes, with or without a minus.
struct Piece {
    start: usize,
    end: usize,
    is_phrase: bool,
    is_negative: bool,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut is_negative = false;
    let mut at = 0;
    for (index, part) in text.split('"').enumerate() {
        let is_phrase = index % 2 == 1;
        let (start, end) = (at, at + part.len());
        at = end + 1;
        if is_phrase {
            pieces.push(Piece { start, end, is_phrase, is_negative });
            continue;
        }
        is_negative = false;
        let mut word_start = start;
        for word in part.split(char::is_whitespace) {
            let end = word_start + word.len();
            let bare = word.strip_prefix('-');
            pieces.push(Piece { start: word_start, end, is_phrase, is_negative: bare.is_some() });
            // A lone minus at the end negates the phrase that follows.
            is_negative = word == "-";
            word_start = end + text[end..].chars().next().map_or(0, char::len_utf8);
        }
    }
    pieces
}

impl Query {
    /// Reads a query under the settings of an index.
    pub(crate) fn parse(text: &str, settings: &Settings) -> Self {
        let rules = Rules::new(settings);
        let mut query = Self::default();
        let tokens = tokenize(text);
        // Only a word at the very end may be unfinished.
        let unfinished = tokens.last().filter(|last| last.end == text.len()).map(|last| last.position);
        for piece in pieces(text) {
            let inside: Vec<&Token> =
                tokens.iter().filter(|token| piece.start <= token.start && token.end <= piece.end).collect();
            let words: Vec<String> = inside.iter().map(|token| token.word.clone()).collect();
            let Some(first) = inside.first() else { continue };
            if piece.is_negative {
                query.negative.push(words);
            } else if piece.is_phrase {
                query.terms.push(rules.term(words, first.position, true));
            } else {
                for token in inside {
                    let is_unfinished = unfinished == Some(token.position);
                    if !is_unfinished && rules.stop_words.contains(&token.word.as_str()) {
                        continue;
                    }
                    let mut term = rules.term(vec![token.word.clone()], token.position, false);
                    term.is_prefix = is_unfinished && rules.allows_prefix;
                    query.terms.push(term);
                }
            }
        }
        query
    }
}

/// The settings that concern query words.
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
    fn query_has_words_phrases_and_negations() {
        let query = Query::parse("big \"mad max\" -road -\"fury x\" roa", &Settings::default());
        let words: Vec<&[String]> = query.terms.iter().map(|term| term.words.as_slice()).collect();
        assert_eq!(words, [vec!["big"], vec!["mad", "max"], vec!["roa"]]);
        assert_eq!(query.terms[2].position, 6);
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
    fn stop_words_are_dropped_unless_they_end_the_query() {
        let mut settings = Settings::default();
        settings.apply(&serde_json::Map::from_iter([("stopWords".to_owned(), serde_json::json!(["the"]))]));
        let query = Query::parse("the road, the", &settings);
        let places: Vec<(&str, usize)> =
            query.terms.iter().map(|term| (term.words[0].as_str(), term.position)).collect();
        assert_eq!(places, [("road", 1), ("the", 9)]);
    }

    #[test]
    fn long_words_may_have_typos() {
        let query = Query::parse("road wonder wonderful x", &Settings::default());
        let allowed: Vec<u8> = query.terms.iter().map(|term| term.allowed_typos).collect();
        assert_eq!(allowed, [0, 1, 2, 0]);
    }
}
