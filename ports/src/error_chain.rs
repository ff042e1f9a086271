//! Printing an error together with its causes.

use std::error::Error;
use std::fmt;

/// Returns an error for printing with every cause behind it, each after a colon.
///
/// The `Display` of an error does not repeat its source, so whoever logs an error or shows it to an operator
/// prints it with this.
///
/// ```
/// use miroir_ports::error_chain;
/// use miroir_ports::outbound::StoreError;
///
/// let full = std::io::Error::other("no space left");
/// let error = StoreError::not_applied("the log cannot be written").with_source(full);
/// assert!(!error.to_string().contains("no space left"));
/// assert!(error_chain(&error).to_string().ends_with("the log cannot be written: no space left"));
/// ```
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> ErrorChain<'a> {
    ErrorChain(error)
}

/// An error that prints with its causes. See [`error_chain`].
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        formatter.write_str(&last)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Errors of other crates may repeat their source.
            if !last.ends_with(&text) {
                write!(formatter, ": {text}")?;
                last = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn chain(texts: &[&'static str]) -> Link {
        let source = texts.get(1).map(|_| Box::new(chain(&texts[1..])));
        Link { text: texts[0], source }
    }

    #[test]
    fn chain_prints_every_cause_in_order() {
        assert_eq!(error_chain(&chain(&["a"])).to_string(), "a");
        assert_eq!(error_chain(&chain(&["a", "b", "c"])).to_string(), "a: b: c");
    }

    #[test]
    fn chain_prints_a_repeated_cause_once() {
        assert_eq!(
            error_chain(&chain(&["cannot open: full", "full", "code 13"])).to_string(),
            "cannot open: full: code 13"
        );
    }
}
