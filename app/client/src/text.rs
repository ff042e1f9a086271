//! Text of others, made safe to print.
//!
//! Names, error messages and other text come from clients. Control characters in them could move the cursor,
//! hide text or rename the window of the terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

/// Returns the text on one line, with control characters written as `\u{1b}`.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if is_control(character) {
            // Writing to a string cannot fail.
            let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(character));
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// Returns the JSON with control characters written as `\u001b`, which does not change its values. Line
/// breaks between values stay.
pub(crate) fn clean_json(json: &str) -> String {
    let mut cleaned = String::with_capacity(json.len());
    for character in json.chars() {
        if is_control(character) && !matches!(character, '\n' | '\t') {
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

/// Returns whether a character is a control character, or an invisible one that changes the order or the
/// lines of the text around it. The joiners U+200C and U+200D are allowed, because words in many languages
/// need them.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns the number of columns of the text.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Returns the text, shortened to at most `columns`.
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

/// Returns the word quoted for a shell, without control characters.
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
    fn clean_escapes_control_characters() {
        let evil = "a\u{1b}[2J\u{9b}31m\r\n\t\u{7}\u{7f}\u{202e}b\u{2066}\u{feff}\u{2028}\u{1b}]0;owned\u{7}\u{e0041}";
        for cleaned in [clean(evil), shell_word(evil), shortened(&clean(evil), 500)] {
            assert!(!cleaned.chars().any(is_control), "{cleaned:?}");
            assert!(cleaned.contains("\\u{1b}[2J\\u{9b}31m\\u{d}\\u{a}"), "{cleaned}");
        }
        assert_eq!(clean("naïve 東京 👩‍🚀 می‌خواهم"), "naïve 東京 👩‍🚀 می‌خواهم");
    }

    #[test]
    fn clean_json_keeps_the_values() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{202e}\u{7f}", "\u{e0041}", 1.5] });
        let (compact, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        for json in [compact, pretty] {
            let cleaned = clean_json(&json);
            assert!(
                !cleaned.chars().any(|character| is_control(character) && character != '\n'),
                "{cleaned:?}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&cleaned).unwrap(), value);
        }
    }

    #[test]
    fn shortened_text_fits_with_wide_characters() {
        assert_eq!(shortened("metropolis", 10), "metropolis");
        assert_eq!(shortened("metropolis", 5), "metr…");
        assert_eq!(shortened("東京物語", 5), "東京…");
        assert_eq!(width(&shortened("東京物語東京物語", 6)), 5);
    }

    #[test]
    fn shell_word_quotes_special_characters() {
        assert_eq!(shell_word("films_v2"), "films_v2");
        assert_eq!(shell_word("it's a film"), r"'it'\''s a film'");
        assert_eq!(shell_word(""), "''");
    }
}
