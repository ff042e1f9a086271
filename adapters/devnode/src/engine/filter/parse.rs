//! The parser of filter texts: recursive descent over characters, with the server's messages for errors.

use super::expression::{Attribute, Comparison, Filter, join};

const KEYWORDS: [&str; 14] = [
    "AND",
    "OR",
    "IN",
    "NOT",
    "TO",
    "EXISTS",
    "IS",
    "NULL",
    "EMPTY",
    "CONTAINS",
    "STARTS",
    "WITH",
    "_geoRadius",
    "_geoBoundingBox",
];

const OPERATIONS: &str = "`=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, `NOT EXISTS`, `IS NULL`, \
                          `IS NOT NULL`, `IS EMPTY`, `IS NOT EMPTY`, `CONTAINS`, `NOT CONTAINS`, `STARTS WITH`, \
                          `NOT STARTS WITH`, `_geoRadius`, `_geoBoundingBox` or `_geoPolygon`";

/// The deepest nesting of parentheses and NOTs, so that a hostile filter cannot exhaust the stack.
const MAX_DEPTH: usize = 200;

/// Reads a filter. Returns `None` if the text is blank. Errors are the server's messages.
pub(super) fn parse_text(text: &str) -> Result<Option<Filter>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { characters: text.chars().collect(), at: 0, depth: 0 };
    let filter = parser.any()?;
    if parser.at == parser.characters.len() {
        return Ok(Some(filter));
    }
    let rest = parser.rest();
    let problem = format!(
        "Found unexpected characters at the end of the filter: `{rest}`. You probably forgot an `OR` or an `AND` rule."
    );
    Err(parser.error(&problem, parser.at))
}

struct Parser {
    characters: Vec<char>,
    at: usize,
    depth: usize,
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || "_-/.".contains(character)
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn rest(&self) -> String {
        self.characters[self.at..].iter().collect()
    }

    /// Formats a message about the text from `start` to the end.
    fn error(&self, problem: &str, start: usize) -> String {
        self.error_at(problem, start, self.characters.len())
    }

    fn error_at(&self, problem: &str, start: usize, end: usize) -> String {
        let text: String = self.characters.iter().collect();
        format!("{problem}\n{}:{} {text}", start + 1, end + 1)
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let end = self.at + symbol.chars().count();
        let found =
            self.characters.get(self.at..end).is_some_and(|given| given.iter().copied().eq(symbol.chars()));
        if found {
            self.at = end;
        }
        found
    }

    /// Returns the word at the current position, without moving.
    fn word(&self) -> String {
        self.characters[self.at..].iter().copied().take_while(|character| is_word(*character)).collect()
    }

    /// Moves past these words and the spaces between them. Does not move if they are not there.
    fn keywords(&mut self, words: &[&str]) -> bool {
        let before = self.at;
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                self.skip_spaces();
            }
            if self.word() != *word {
                self.at = before;
                return false;
            }
            self.at += word.chars().count();
        }
        true
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.all()?];
        while self.keywords(&["OR"]) {
            parts.push(self.all()?);
        }
        self.joined(parts, Filter::Or)
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.negated()?];
        while self.keywords(&["AND"]) {
            parts.push(self.negated()?);
        }
        self.joined(parts, Filter::And)
    }

    fn joined(&self, parts: Vec<Filter>, with: fn(Vec<Filter>) -> Filter) -> Result<Filter, String> {
        join(parts, with).ok_or_else(|| self.no_operation(self.at))
    }

    fn negated(&mut self) -> Result<Filter, String> {
        self.skip_spaces();
        let start = self.at;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let problem = "The filter exceeded the maximum depth limit. Try rewriting the filter so that it contains \
                           fewer nested conditions.";
            return Err(self.error(problem, start));
        }
        let filter = if self.keywords(&["NOT"]) {
            Filter::Not(Box::new(self.negated()?))
        } else if self.symbol("(") {
            let inner = self.any()?;
            self.skip_spaces();
            if !self.symbol(")") {
                return Err(self.unclosed(start, ')'));
            }
            self.skip_spaces();
            inner
        } else {
            self.condition()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn unclosed(&self, start: usize, delimiter: char) -> String {
        let text: String = self.characters[start..].iter().collect();
        let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'");
        let problem =
            format!("Expression `{text}` is missing the following closing delimiter: `{delimiter}`.");
        self.error(&problem, start)
    }

    fn no_operation(&self, start: usize) -> String {
        let text: String = self.characters[start..].iter().collect();
        let found = if text.trim().is_empty() {
            " but instead got nothing".to_owned()
        } else {
            format!(" at `{text}`")
        };
        self.error(&format!("Was expecting an operation {OPERATIONS}{found}."), start)
    }

    /// Reads a quoted text, or a word that is not a keyword.
    fn value(&mut self) -> Result<String, String> {
        self.skip_spaces();
        let start = self.at;
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(start, quote);
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.error_at("Was expecting a value but instead got nothing.", start, start));
        }
        let end = start + word.chars().count();
        if KEYWORDS.contains(&word.as_str()) {
            let problem = format!(
                "Was expecting a value but instead got `{word}`, which is a reserved keyword. To use `{word}` as a \
                 field name or a value, surround it by quotes."
            );
            return Err(self.error_at(&problem, start, end));
        }
        self.at = end;
        Ok(word)
    }

    fn quoted(&mut self, start: usize, quote: char) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                '\\' if self.peek() == Some(quote) => {
                    self.at += 1;
                    text.push(quote);
                }
                character if character == quote => return Ok(text),
                character => text.push(character),
            }
        }
        Err(self.unclosed(start, quote))
    }

    fn condition(&mut self) -> Result<Filter, String> {
        let start = self.at;
        let is_quoted = matches!(self.peek(), Some('"' | '\''));
        if !is_quoted && (self.word().is_empty() || KEYWORDS.contains(&self.word().as_str())) {
            return Err(self.no_operation(start));
        }
        let name = self.value()?;
        let column = start + 1 + usize::from(is_quoted);
        let attribute = Attribute { name, source: self.characters.iter().collect(), column };
        self.skip_spaces();
        if let Some(comparison) = self.comparison() {
            let value = self.value()?;
            self.skip_spaces();
            return Ok(Filter::Compare(attribute, comparison, value));
        }
        if let Some(filter) = self.keyword_condition(&attribute)? {
            return Ok(filter);
        }
        self.between(attribute, start)
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let symbols = [
            ("!=", Comparison::NotEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LowerOrEqual),
            ("=", Comparison::Equal),
            (">", Comparison::Greater),
            ("<", Comparison::Lower),
        ];
        symbols.into_iter().find(|(symbol, _)| self.symbol(symbol)).map(|(_, comparison)| comparison)
    }

    fn keyword_condition(&mut self, attribute: &Attribute) -> Result<Option<Filter>, String> {
        let not = |filter| Filter::Not(Box::new(filter));
        let attribute = attribute.clone();
        let filter = if self.keywords(&["IN"]) {
            self.list(attribute)?
        } else if self.keywords(&["NOT", "IN"]) {
            not(self.list(attribute)?)
        } else if self.keywords(&["EXISTS"]) {
            Filter::Exists(attribute)
        } else if self.keywords(&["NOT", "EXISTS"]) {
            not(Filter::Exists(attribute))
        } else if self.keywords(&["IS", "NULL"]) {
            Filter::IsNull(attribute)
        } else if self.keywords(&["IS", "NOT", "NULL"]) {
            not(Filter::IsNull(attribute))
        } else if self.keywords(&["IS", "EMPTY"]) {
            Filter::IsEmpty(attribute)
        } else if self.keywords(&["IS", "NOT", "EMPTY"]) {
            not(Filter::IsEmpty(attribute))
        } else if self.keywords(&["STARTS", "WITH"]) {
            Filter::Compare(attribute, Comparison::StartsWith, self.value()?)
        } else if self.keywords(&["NOT", "STARTS", "WITH"]) {
            not(Filter::Compare(attribute, Comparison::StartsWith, self.value()?))
        } else {
            return Ok(None);
        };
        // Unexpected text is quoted with the spaces before it, so the parser does not move past them then.
        let before = self.at;
        self.skip_spaces();
        let may_follow =
            self.peek().is_none_or(|next| next == ')') || ["AND", "OR"].contains(&self.word().as_str());
        if !may_follow {
            self.at = before;
        }
        Ok(Some(filter))
    }

    fn list(&mut self, attribute: Attribute) -> Result<Filter, String> {
        self.skip_spaces();
        if !self.symbol("[") {
            return Err(self.error("Expected `[` after `IN` keyword.", self.at));
        }
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            if self.symbol("]") {
                return Ok(Filter::In(attribute, values));
            }
            if self.at == self.characters.len() {
                let problem = "Expected matching `]` after the list of field names given to `IN[`";
                return Err(self.error(problem, self.at));
            }
            values.push(self.value()?);
            self.skip_spaces();
            if !self.symbol(",") && self.peek() != Some(']') {
                let problem = "Expected matching `]` after the list of field names given to `IN[`";
                return Err(self.error(problem, self.at));
            }
        }
    }

    fn between(&mut self, attribute: Attribute, start: usize) -> Result<Filter, String> {
        let Ok(from) = self.value() else { return Err(self.no_operation(start)) };
        self.skip_spaces();
        if !self.keywords(&["TO"]) {
            return Err(self.no_operation(start));
        }
        let Ok(to) = self.value() else { return Err(self.no_operation(start)) };
        self.skip_spaces();
        Ok(Filter::Between(attribute, from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse_text(text).unwrap_err()
    }

    #[test]
    fn errors_name_the_expected_operation_and_the_place() {
        assert_eq!(message("year ="), "Was expecting a value but instead got nothing.\n7:7 year =");
        assert_eq!(message("id=="), "Was expecting a value but instead got nothing.\n4:4 id==");
        assert!(message("year = AND").ends_with("\n8:11 year = AND"));
        assert!(message("foo=1 AND").ends_with("but instead got nothing.\n10:10 foo=1 AND"));
        assert!(message("year IS FOO").ends_with("at `year IS FOO`.\n1:12 year IS FOO"));
        assert!(message("(year=1").ends_with("delimiter: `)`.\n1:8 (year=1"));
        assert!(message("\"a").starts_with("Expression `\\\"a` is missing"));
        assert!(message("year = 1 2").contains("end of the filter: `2`."));
        assert!(message("year EXISTS 3").contains("end of the filter: ` 3`."));
        assert!(message("year IN [1").ends_with("\n11:11 year IN [1"));
    }

    #[test]
    fn hostile_nesting_is_refused() {
        assert!(message(&"(".repeat(100_000)).contains("maximum depth"));
        assert!(message(&"NOT ".repeat(100_000)).contains("maximum depth"));
    }

    #[test]
    fn words_that_start_like_keywords_are_words() {
        assert!(parse_text("ORDER = NOTE").unwrap().is_some());
        assert!(parse_text("a=1 AND b=2 OR c=3").unwrap().is_some());
    }
}
