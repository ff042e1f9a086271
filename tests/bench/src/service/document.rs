//! Generated documents and queries, the same in every run.

use serde_json::{Value, json};

const GENRES: [&str; 8] =
    ["drama", "comedy", "thriller", "western", "science fiction", "romance", "horror", "documentary"];
/// Syllables of the words.
const SYLLABLES: [&str; 16] =
    ["ba", "do", "fi", "ga", "hu", "ki", "lo", "ma", "ne", "pa", "ri", "so", "ta", "ve", "wo", "zu"];

/// Returns the word of a number: three syllables, hence 4,096 different words.
fn word(number: u32) -> String {
    [number, number >> 4, number >> 8].iter().map(|part| SYLLABLES[(part % 16) as usize]).collect()
}

/// Returns the next pseudo-random number (xorshift32).
fn next(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

/// Returns `count` words. Some words are frequent and most are rare, as in a language.
fn words(state: &mut u32, count: usize) -> String {
    let word = |_| {
        let reach = 1 + next(state) % 1_500;
        word(next(state) % reach)
    };
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

/// Returns the document of a number, with an overview of `overview_words` words.
pub fn document(number: u32, overview_words: usize) -> Value {
    // Xorshift needs a start other than zero.
    let mut state = number.wrapping_mul(2_654_435_761) | 1;
    for _ in 0..4 {
        next(&mut state);
    }
    json!({
        "id": number,
        "title": words(&mut state, 4),
        "overview": words(&mut state, overview_words),
        "genre": GENRES[(next(&mut state) % 8) as usize],
        "year": 1950 + next(&mut state) % 75,
    })
}

/// Returns at most `count` documents from `first` on, as NDJSON of at most `bytes` bytes.
pub fn ndjson(first: u32, count: usize, overview_words: usize, bytes: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for number in (first..).take(count) {
        let line = document(number, overview_words).to_string();
        if text.len() + line.len() + 1 > bytes {
            break;
        }
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Returns queries of every kind.
pub fn queries() -> Vec<Value> {
    vec![
        json!({ "q": word(3) }),
        json!({ "q": format!("{} {}", word(5), word(17)) }),
        json!({ "q": &word(40)[..4] }),
        json!({ "q": "" }),
        json!({ "q": word(9), "filter": "genre = drama" }),
        json!({ "q": word(2), "sort": ["year:desc"] }),
        json!({ "q": word(7), "facets": ["genre"] }),
        json!({ "q": word(1), "offset": 100, "limit": 20 }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_the_same_in_every_run_and_differ_from_each_other() {
        assert_eq!(document(7, 5), document(7, 5));
        assert_ne!(document(7, 5)["overview"], document(8, 5)["overview"]);
    }

    #[test]
    fn ndjson_ends_at_the_size_or_the_count() {
        let text = ndjson(0, usize::MAX, 10, 5_000);
        assert!((4_500..=5_000).contains(&text.len()), "{}", text.len());
        assert_eq!(String::from_utf8(ndjson(0, 3, 10, usize::MAX)).unwrap().lines().count(), 3);
    }
}
