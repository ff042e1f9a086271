//! The wording of Meilisearch's refusals, shared by everything that reads a client's parameters or JSON.

use std::fmt::{self, Write};

use serde_json::Value;

/// The maximum number of characters of an unknown name that a message repeats.
pub const NAME_CHARS: usize = 200;

/// The maximum number of characters of a refused value that a message repeats.
pub const VALUE_CHARS: usize = 500;

/// Returns the names in backticks, separated by commas.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Returns ``expected one of `a`, `b` ``, after a guess if an accepted name is close to the given one.
pub fn expected_one_of(given: &str, accepted: &[&str]) -> String {
    let guess = closest(given, accepted).map_or_else(String::new, |name| format!("did you mean `{name}`? "));
    format!("{guess}expected one of {}", list(accepted.iter().copied()))
}

/// Returns the sentence about a name that is none of `known`. `noun` says what is named: a field, a
/// parameter.
pub fn unknown(noun: &str, name: &str, known: &[&str]) -> String {
    format!("Unknown {noun} `{}`: {}", excerpt(name, NAME_CHARS), expected_one_of(name, known))
}

/// Returns the sentence about a value of the wrong JSON type at `place`: `.fields[0]`, or empty for the whole
/// body.
pub fn wrong_type(place: &str, expected: &str, found: &Value) -> String {
    let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
    format!("Invalid value type{place}: expected {expected}, but found {}", described(found))
}

/// Returns the accepted name that differs from `given` by a few typing errors, if any. Longer names may have
/// more.
fn closest<'a>(given: &str, accepted: &[&'a str]) -> Option<&'a str> {
    let errors = match given.len() {
        0..=3 => return None,
        4..=7 => 1,
        8..=12 => 2,
        13..=17 => 3,
        18..=24 => 4,
        _ => 5,
    };
    // A name of very different length is never close; skipping it bounds the work for hostile input.
    let near = accepted.iter().filter(|name| name.len().abs_diff(given.len()) <= 4 * errors);
    near.map(|name| (*name, strsim::damerau_levenshtein(given, name)))
        .filter(|(_, distance)| *distance <= errors)
        .min_by_key(|(_, distance)| *distance)
        .map(|(name, _)| name)
}

/// Returns a JSON value and its kind, as in ``a positive integer: `5` ``.
pub fn described(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_u64() => "a positive integer",
        Value::Number(number) if number.is_i64() => "a negative integer",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("{kind}: `{}`", excerpt(value, VALUE_CHARS))
}

/// Returns the first `max_chars` characters of the text of `value`. Nothing after them is printed, so a huge
/// value costs no more than a small one.
///
/// # Examples
///
/// ```
/// use miroir_domain::wording::excerpt;
/// use serde_json::json;
///
/// assert_eq!(excerpt("movies", 3), "mov");
/// assert_eq!(excerpt(json!({"id": [1, 2, 3]}), 9), r#"{"id":[1,"#);
/// ```
pub fn excerpt(value: impl fmt::Display, max_chars: usize) -> String {
    let mut start = Start { text: String::new(), chars_left: max_chars };
    // The only error is the deliberate end of writing.
    let _ = write!(start, "{value}");
    start.text
}

/// Returns the [`excerpt`], with an ellipsis if the text of `value` is longer.
pub(crate) fn shortened(value: impl fmt::Display, max_chars: usize) -> String {
    let mut text = excerpt(value, max_chars + 1);
    if let Some((end, _)) = text.char_indices().nth(max_chars) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A writer that keeps the first characters and then fails, which ends the writing.
struct Start {
    text: String,
    chars_left: usize,
}

impl Write for Start {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if let Some((end, _)) = piece.char_indices().nth(self.chars_left) {
            self.text.push_str(&piece[..end]);
            self.chars_left = 0;
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        self.chars_left -= piece.chars().count();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expected_one_of_guesses_only_close_names() {
        let accepted = ["limit", "statuses", "afterEnqueuedAt"];
        let all = "expected one of `limit`, `statuses`, `afterEnqueuedAt`";
        for (given, guess) in [
            ("limt", "did you mean `limit`? "),
            ("Limit", "did you mean `limit`? "),
            ("statusess", "did you mean `statuses`? "),
            ("foo", ""),
            ("", ""),
            ("lim", ""),
            ("stature", ""),
        ] {
            assert_eq!(expected_one_of(given, &accepted), format!("{guess}{all}"), "{given}");
        }
        assert_eq!(expected_one_of(&"é".repeat(100_000), &accepted), all);
    }

    #[test]
    fn described_cuts_a_huge_value() {
        for huge in [json!("é".repeat(1_000_000)), json!(vec!["é"; 1_000_000])] {
            let text = described(&huge);
            assert!((500..600).contains(&text.chars().count()), "{}", text.len());
        }
    }

    #[test]
    fn excerpt_keeps_whole_characters_of_text_and_json() {
        for (value, chars, start) in [
            (json!("aé😀b"), 0, ""),
            (json!("aé😀b"), 4, "\"aé😀"),
            (json!("aé😀b"), 6, "\"aé😀b\""),
            (json!("aé😀b"), 100, "\"aé😀b\""),
            (json!({"a": [1, "x"]}), 8, "{\"a\":[1,"),
        ] {
            assert_eq!(excerpt(&value, chars), start, "{chars} of {value}");
        }
        assert_eq!(excerpt("aé😀b", 3), "aé😀");
        assert_eq!(excerpt(format_args!("{}{}", "ab", "cd"), 2), "ab");
    }

    #[test]
    fn excerpt_prints_nothing_after_the_last_character() {
        struct Endless;

        impl fmt::Display for Endless {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    formatter.write_str("ab")?;
                }
            }
        }

        assert_eq!(excerpt(Endless, 5), "ababa");
    }

    #[test]
    fn shortened_marks_what_it_cut() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "abc…");
        let long = "é".repeat(3_000);
        assert!(shortened(&long, VALUE_CHARS).len() < 1_100);
        assert!(shortened(format!("x{long}"), VALUE_CHARS).ends_with('…'));
        assert_eq!(shortened("short", VALUE_CHARS), "short");
    }

    #[test]
    fn described_names_each_kind() {
        for (value, text) in [
            (json!(null), "null"),
            (json!(true), "a boolean: `true`"),
            (json!(5), "a positive integer: `5`"),
            (json!(-5), "a negative integer: `-5`"),
            (json!(1.5), "a number: `1.5`"),
            (json!("x"), "a string: `\"x\"`"),
            (json!([1]), "an array: `[1]`"),
            (json!({"x": 1}), "an object: `{\"x\":1}`"),
        ] {
            assert_eq!(described(&value), text);
        }
    }
}
