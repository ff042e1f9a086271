//! Text of servers and receivers, made fit for a log.

use miroir_ports::one_line;

/// The longest text that a reason repeats, in characters.
const EXCERPT_CHARS: usize = 400;

/// Returns the beginning of `text` as one line without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    one_line(text, EXCERPT_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_is_one_bounded_line() {
        assert_eq!(excerpt("a\r\nb\u{1b}[31mc\0d   e"), "a b [31mc d e");
        assert_eq!(excerpt(&"x".repeat(10_000)).len(), EXCERPT_CHARS);
        assert_eq!(excerpt("\r\n\t "), "");
    }
}
