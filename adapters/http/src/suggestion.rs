//! Unknown names, refused with all that are known.

use miroir_domain::error::ErrorCode;
use miroir_domain::wording;

use crate::error::Failure;

/// What a name stands for, as the sentence about it says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    Parameter,
    Field,
}

/// Refuses `name`, which is none of `known`, in Meilisearch's words.
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
    fn names_what_it_is_and_what_is_known() {
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
    fn cuts_a_huge_name() {
        assert!(unknown(Named::Field, &"x".repeat(100_000), &["uid"]).error.message.len() < 400);
    }
}
