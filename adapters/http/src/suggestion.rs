//! Refusals of unknown names. They list the known ones.

use miroir_domain::error::ErrorCode;
use miroir_domain::wording;

use crate::error::Failure;

/// The kind of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    Parameter,
    Field,
}

/// Returns the refusal of `name`, which is not `known`, in the wording of Meilisearch.
pub(crate) fn unknown(named: Named, name: &str, known: &[&str]) -> Failure {
    let noun = match named {
        Named::Parameter => "parameter",
        Named::Field => "field",
    };
    Failure::refused(ErrorCode::BadRequest, wording::unknown(noun, name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_the_kind_and_the_known_names() {
        let failure = unknown(Named::Parameter, "limi", &["offset", "limit"]);
        assert_eq!(
            failure.error.message,
            "Unknown parameter `limi`: did you mean `limit`? expected one of `offset`, `limit`"
        );
        assert_eq!(
            unknown(Named::Field, "x", &["uid"]).error.message,
            "Unknown field `x`: expected one of `uid`"
        );
    }

    #[test]
    fn unknown_cuts_a_long_name() {
        assert!(unknown(Named::Field, &"x".repeat(100_000), &["uid"]).error.message.len() < 400);
    }
}
