//! Unknown names, answered with the nearest known one and all that are known.

use miroir_domain::error::ErrorCode;

use crate::error::Failure;

/// What a name stands for, as the sentence about it says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    Parameter,
    Field,
}

/// Longest unknown name that is repeated whole, in characters.
const EXCERPT_CHARS: usize = 200;

/// Refuses `name`, which is none of `known`, in Meilisearch's words.
pub(crate) fn unknown(named: Named, name: &str, known: &[&str]) -> Failure {
    let noun = match named {
        Named::Parameter => "parameter",
        Named::Field => "field",
    };
    let hint = nearest(name, known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let shown: String = name.chars().take(EXCERPT_CHARS).collect();
    Failure::refused(ErrorCode::BadRequest, format!("Unknown {noun} `{shown}`: {hint}expected one of {list}"))
}

/// The known name that differs by few enough edits for the length of what was sent.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = match name.len() {
        0..=3 => 0,
        4..=7 => 1,
        8..=11 => 2,
        12..=16 => 3,
        17..=24 => 4,
        25..=EXCERPT_CHARS => 5,
        // The distance costs the product of the lengths: not for what no one mistyped.
        _ => return None,
    };
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(name: &str) -> String {
        unknown(Named::Parameter, name, &["offset", "limit"]).error.message
    }

    #[test]
    fn names_all_that_are_known() {
        assert_eq!(sentence("foo"), "Unknown parameter `foo`: expected one of `offset`, `limit`");
    }

    #[test]
    fn names_the_nearest_where_one_is_near() {
        let expected = "Unknown parameter `Offset`: did you mean `offset`? expected one of `offset`, `limit`";
        assert_eq!(sentence("Offset"), expected);
        assert!(sentence("limi").contains("did you mean `limit`?"));
        assert!(!sentence("of").contains("did you mean"));
    }

    #[test]
    fn cuts_a_huge_name() {
        assert!(sentence(&"x".repeat(100_000)).len() < 400);
    }
}
