//! The words of a text with their positions, as ranking counts them.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::document::Document;

/// The distance that a hard separator, such as the end of a sentence, puts between two words.
const HARD_DISTANCE: usize = 8;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word, lower-case and without accents.
    pub(crate) word: String,
    /// Its position, counted in words, with gaps at the ends of sentences.
    pub(crate) position: usize,
    /// Its start in the text, in bytes.
    pub(crate) start: usize,
    /// Its end in the text, in bytes.
    pub(crate) end: usize,
}

/// The words of one attribute path.
#[derive(Debug, Clone)]
pub(crate) struct FieldTokens {
    /// The path, dotted.
    pub(crate) path: String,
    /// The words of all its values.
    pub(crate) tokens: Vec<Token>,
}

/// Returns the words of every attribute of a document.
pub(crate) fn tokenize_document(document: &Document) -> Vec<FieldTokens> {
    let mut fields = Vec::new();
    for (path, values) in document.flattened() {
        let mut tokens: Vec<Token> = Vec::new();
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(boolean) => boolean.to_string(),
                _ => continue,
            };
            // The values of a list are separated like sentences.
            let offset = tokens.last().map_or(0, |last| last.position + HARD_DISTANCE);
            tokens.extend(
                tokenize(&text).into_iter().map(|token| Token { position: token.position + offset, ..token }),
            );
        }
        if !tokens.is_empty() {
            fields.push(FieldTokens { path, tokens });
        }
    }
    fields
}

/// Returns the words of a text.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut start = None;
    let mut distance = 0;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    for (index, character) in ends {
        if character.is_alphanumeric() || is_mark(character) {
            start.get_or_insert(index);
            continue;
        }
        if let Some(start) = start.take() {
            let position = tokens.last().map_or(0, |last| last.position + distance.max(1));
            tokens.push(Token { word: fold(&text[start..index]), position, start, end: index });
            distance = 0;
        }
        distance = distance.max(if is_hard(text, index, character) { HARD_DISTANCE } else { 1 });
    }
    tokens
}

/// Returns whether a character is a combining mark, which belongs to the letter before it.
fn is_mark(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

/// Returns whether a separator ends a sentence or a clause. Full stops and commas do so only before a space.
fn is_hard(text: &str, index: usize, character: char) -> bool {
    match character {
        '.' | ',' => text[index + 1..].starts_with(' '),
        '!' | '?' | ';' | '¡' | '§' | '¶' | '¿' => true,
        _ => false,
    }
}

/// Returns a word in the form in which it is compared: lower-case, without accents.
pub(crate) fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for character in word.nfkd().filter(|character| !is_mark(*character)).flat_map(char::to_lowercase) {
        match character {
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, usize)> {
        tokenize(text).into_iter().map(|token| (token.word, token.position)).collect()
    }

    fn expected(words: &[(&str, usize)]) -> Vec<(String, usize)> {
        words.iter().map(|(word, position)| ((*word).to_owned(), *position)).collect()
    }

    #[test]
    fn words_are_folded_and_counted() {
        assert_eq!(words("Le Fabuleux, Amélie"), expected(&[("le", 0), ("fabuleux", 1), ("amelie", 9)]));
        assert_eq!(words(""), []);
        assert_eq!(words(" -- "), []);
    }

    #[test]
    fn sentences_are_separated() {
        assert_eq!(words("One. Two"), expected(&[("one", 0), ("two", 8)]));
        assert_eq!(words("a.b c"), expected(&[("a", 0), ("b", 1), ("c", 2)]));
    }

    #[test]
    fn offsets_are_bytes_of_the_text() {
        let tokens = tokenize("é là");
        assert_eq!((tokens[1].start, tokens[1].end), (3, 6));
    }
}
