//! Errors as text for people.

use std::error::Error;

/// The longest message of one error that [`error_chain`] repeats, in characters.
const MESSAGE_CHARS: usize = 1_000;

/// Renders `error` and its sources in one line, each after a colon: `cannot connect: connection refused`.
///
/// Skips a message that merely repeats the end of the one above it, as some libraries print their source
/// themselves.
pub fn error_chain(error: &dyn Error) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = one_line(&error.to_string(), MESSAGE_CHARS);
        if line.is_empty() {
            line = message;
        } else if !message.is_empty() && !ends_with_part(&line, &message) {
            line += ": ";
            line += &message;
        }
        next = error.source();
    }
    line
}

/// Returns whether the last part of `line`, as divided by colons, is `part`.
fn ends_with_part(line: &str, part: &str) -> bool {
    line.strip_suffix(part).is_some_and(|rest| rest.is_empty() || rest.ends_with(": "))
}

/// Makes text of another program fit for a log: replaces control characters and line breaks by spaces, and
/// cuts it after `max_chars` characters.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Outer {
        text: &'static str,
        source: io::Error,
    }

    fn outer(text: &'static str, inner: &str) -> Outer {
        Outer { text, source: io::Error::other(inner.to_owned()) }
    }

    #[test]
    fn chain_names_every_error_once() {
        assert_eq!(error_chain(&outer("outer", "inner")), "outer: inner");
        assert_eq!(error_chain(&outer("outer: inner", "inner")), "outer: inner");
        assert_eq!(error_chain(&outer("inner", "inner")), "inner");
        assert_eq!(error_chain(&outer("no winner", "inner")), "no winner: inner");
        assert_eq!(error_chain(&outer("outer", "")), "outer");
    }

    #[test]
    fn chain_is_one_line_with_messages_of_bounded_length() {
        assert_eq!(error_chain(&outer("a\nb", "c\r\n d")), "a b: c d");
        assert_eq!(error_chain(&io::Error::other("x".repeat(10_000))).len(), MESSAGE_CHARS);
    }

    #[test]
    fn foreign_text_becomes_one_bounded_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[31mc\0d   e", 400), "a b [31mc d e");
        assert_eq!(one_line(&"x".repeat(10_000), 400).len(), 400);
        assert_eq!(one_line("\r\n\t ", 400), "");
    }
}
