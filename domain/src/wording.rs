//! How Meilisearch words a refusal: shared by everything that reads a client's parameters or JSON.

use serde_json::Value;

/// Names in backticks, separated by commas.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// ``expected one of `a`, `b` ``, led by a guess when a name is close to what was given.
pub fn expected_one_of(given: &str, accepted: &[&str]) -> String {
    let guess = closest(given, accepted).map_or_else(String::new, |name| format!("did you mean `{name}`? "));
    format!("{guess}expected one of {}", list(accepted.iter().copied()))
}

/// Longest unknown name that is repeated whole, in characters.
const NAME_CHARS: usize = 200;

/// The sentence about a name that is none of `known`; `noun` says what it would be the name of.
pub fn unknown(noun: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(NAME_CHARS).collect();
    format!("Unknown {noun} `{shown}`: {}", expected_one_of(name, known))
}

/// The sentence about a value of the wrong JSON type, found at `place` (`.fields[0]`, or nothing for the whole body).
pub fn wrong_type(place: &str, expected: &str, found: &Value) -> String {
    let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
    format!("Invalid value type{place}: expected {expected}, but found {}", described(found))
}

/// The accepted name that a short slip away from `given` names, if any. Longer names may hold more slips.
fn closest<'a>(given: &str, accepted: &[&'a str]) -> Option<&'a str> {
    let slips = match given.len() {
        0..=3 => return None,
        4..=7 => 1,
        8..=12 => 2,
        13..=17 => 3,
        18..=24 => 4,
        _ => 5,
    };
    // A name of very different length is never close; not measuring it bounds the work for hostile input.
    let near = accepted.iter().filter(|name| name.len().abs_diff(given.len()) <= 4 * slips);
    near.map(|name| (*name, strsim::damerau_levenshtein(given, name)))
        .filter(|(_, distance)| *distance <= slips)
        .min_by_key(|(_, distance)| *distance)
        .map(|(name, _)| name)
}

/// A JSON value and its kind, as in ``a positive integer: `5` ``.
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
    format!("{kind}: `{}`", excerpt(value))
}

/// Longest value that a refusal repeats, in characters.
const EXCERPT_CHARS: usize = 500;

/// The start of a value's JSON text. The value is not printed whole first: it may be a hundred megabytes.
fn excerpt(value: &Value) -> String {
    let mut start = Start(Vec::new());
    // The only error is the deliberate end of writing.
    let _ = serde_json::to_writer(&mut start, value);
    String::from_utf8_lossy(&start.0).chars().take(EXCERPT_CHARS).collect()
}

/// Keeps what is written until there is enough of it for an excerpt, then fails to end the writing.
struct Start(Vec<u8>);

impl std::io::Write for Start {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // A character is at most four bytes long.
        let room = (4 * EXCERPT_CHARS).saturating_sub(self.0.len());
        if room == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
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
    fn described_repeats_a_huge_value_in_part_only() {
        for huge in [json!("é".repeat(1_000_000)), json!(vec!["é"; 1_000_000])] {
            let text = described(&huge);
            assert!((500..600).contains(&text.chars().count()), "{}", text.len());
        }
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
