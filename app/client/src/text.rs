//! Text that others wrote, made safe to print.
//!
//! Names of indexes and canaries, messages of errors and the like come from clients. Printed as they are, they could move the
//! cursor, hide what follows or rename the window of whoever looks at them.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

/// The text on one line, with every character that a terminal obeys instead of showing written as `\u{1b}`.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            // Writing to a string cannot fail.
            let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(character));
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// The same for JSON, where such characters may be written as `\u001b` without changing what it says. Line breaks between
/// its values stay.
pub(crate) fn clean_json(json: &str) -> String {
    let mut cleaned = String::with_capacity(json.len());
    for character in json.chars() {
        if is_obeyed(character) && !matches!(character, '\n' | '\t') {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(cleaned, "\\u{unit:04x}");
            }
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// Control characters, and invisible ones that change the order or the lines of what is around them. The joiners U+200C and
/// U+200D are none of them: words in many languages need them.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text, or as much of its beginning as fits in `columns`.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        short.push(character);
        if width(&short) >= columns {
            short.pop();
            break;
        }
    }
    format!("{}…", short.trim_end())
}

/// A word as a shell takes it, cleaned.
pub(crate) fn shell_word(word: &str) -> String {
    let cleaned = clean(word);
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.:/@".contains(character);
    if !cleaned.is_empty() && cleaned.chars().all(plain) {
        return cleaned;
    }
    format!("'{}'", cleaned.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_obeys_passes() {
        let evil = "a\u{1b}[2J\u{9b}31m\r\n\t\u{7}\u{7f}\u{202e}b\u{2066}\u{feff}\u{2028}\u{1b}]0;owned\u{7}\u{e0041}";
        for cleaned in [clean(evil), shell_word(evil), shortened(&clean(evil), 500)] {
            assert!(!cleaned.chars().any(is_obeyed), "{cleaned:?}");
            assert!(cleaned.contains("\\u{1b}[2J\\u{9b}31m\\u{d}\\u{a}"), "{cleaned}");
        }
        assert_eq!(clean("naïve 東京 👩‍🚀 می‌خواهم"), "naïve 東京 👩‍🚀 می‌خواهم");
    }

    #[test]
    fn cleaned_json_says_the_same() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{202e}\u{7f}", "\u{e0041}", 1.5] });
        let (compact, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        for json in [compact, pretty] {
            let cleaned = clean_json(&json);
            assert!(
                !cleaned.chars().any(|character| is_obeyed(character) && character != '\n'),
                "{cleaned:?}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&cleaned).unwrap(), value);
        }
    }

    #[test]
    fn shortened_text_fits_whatever_its_letters() {
        assert_eq!(shortened("metropolis", 10), "metropolis");
        assert_eq!(shortened("metropolis", 5), "metr…");
        assert_eq!(shortened("東京物語", 5), "東京…");
        assert_eq!(width(&shortened("東京物語東京物語", 6)), 5);
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(shell_word("films_v2"), "films_v2");
        assert_eq!(shell_word("it's a film"), r"'it'\''s a film'");
        assert_eq!(shell_word(""), "''");
    }
}
