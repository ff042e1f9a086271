//! How failures and foreign text become one line for an operator.

use std::error::Error;

/// The longest line that a reason repeats, in characters.
const LINE_CHARS: usize = 400;

/// An error and the errors below it in one line. Messages that only repeat what stands below them are left out.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        next = error.source();
        let repeats = next.is_some_and(|below| text.ends_with(&below.to_string()));
        if !repeats && parts.last() != Some(&text) {
            parts.push(text);
        }
    }
    one_line(&parts.join(": "))
}

/// Text of somebody else, fit for a log: no control characters, no line breaks, not longer than a log bears.
pub(crate) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(LINE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_becomes_one_bounded_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[31mc\0d   e"), "a b [31mc d e");
        assert_eq!(one_line(&"x".repeat(10_000)).len(), LINE_CHARS);
        assert_eq!(one_line("\r\n\t "), "");
    }

    #[test]
    fn causes_say_each_thing_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{text}")]
        struct Outer {
            text: &'static str,
            source: std::io::Error,
        }
        let outer = |text| Outer { text, source: std::io::Error::other("inner") };
        assert_eq!(causes(&outer("outer")), "outer: inner");
        assert_eq!(causes(&outer("outer: inner")), "inner");
    }
}
