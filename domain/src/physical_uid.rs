//! Physical uids: the names under which the nodes keep indexes.
//!
//! An index that was deleted and made anew is another one, though clients see the same name. Under a physical
//! uid of its own, it has nothing in common with what a node may still have of the former one: a node that
//! was away for the deletion cannot show old documents in the new index, and a write that was sent to the
//! former index cannot reach the new one.
//!
//! The first index of a name is kept under that name. Each further one gets a suffix, from which the name can
//! be read again. So a lost task store can be rebuilt from the nodes.
//!
//! Indexes that are older than physical uids may have any name, and must not be taken for a further index of
//! another one. The suffix therefore ends with a check of all before it: a name of another origin has the
//! right one with a probability of 2⁻³².

use xxhash_rust::xxh3::xxh3_64;

use crate::error::ResponseError;
use crate::{IndexUid, InvalidId, PhysicalUid};

/// The separator between a name and its number.
const SEPARATOR: &str = "--";
/// The separator between a number and the check.
const CHECK_SEPARATOR: char = '-';
/// The length of the check.
const CHECK_DIGITS: usize = 8;

impl PhysicalUid {
    /// The bytes by which a further physical uid is longer than the name, for numbers of ten digits.
    pub const SUFFIX_BYTES: usize = SEPARATOR.len() + 10 + CHECK_SEPARATOR.len_utf8() + CHECK_DIGITS;

    /// Returns the physical uid of the first index named `name`. Returns `None` if the name is one with a
    /// suffix: the index of another name could have the same.
    pub fn first(name: &IndexUid) -> Option<Self> {
        let uid = Self::of_name(name);
        uid.base().is_none().then_some(uid)
    }

    /// Returns the name itself. Indexes that are older than physical uids are kept under their names,
    /// whatever these look like.
    pub fn of_name(name: &IndexUid) -> Self {
        Self(name.as_str().to_owned())
    }

    /// Returns the physical uid of a further index named `name`: `films--1764573600-7fa95865` for the number
    /// 1764573600.
    ///
    /// # Errors
    ///
    /// Fails if the name is too long for a suffix.
    pub fn further(name: &IndexUid, number: u64) -> Result<Self, InvalidId> {
        let front = format!("{name}{SEPARATOR}{number}");
        let check = check_of(&front);
        format!("{front}{CHECK_SEPARATOR}{check}").parse()
    }

    /// Returns the name that the index had when it was made.
    pub fn name(&self) -> IndexUid {
        IndexUid(self.base().unwrap_or(self.as_str()).to_owned())
    }

    /// Returns `message`, which quotes this uid, as clients know the index.
    #[must_use]
    pub fn renamed_in(&self, message: &str, name: &IndexUid) -> String {
        if self.as_str() == name.as_str() {
            return message.to_owned();
        }
        message.replace(&format!("`{self}`"), &format!("`{name}`"))
    }

    /// Returns the number of a further index, or 0 for the first. Of the indexes that had one name, that with
    /// the greatest number was made last.
    pub fn number(&self) -> u64 {
        self.parts().and_then(|(_, number)| number.parse().ok()).unwrap_or_default()
    }

    /// Returns `error`, which a node wrote, as clients know the index.
    #[must_use]
    pub fn renamed_in_error(&self, error: ResponseError, name: &IndexUid) -> ResponseError {
        ResponseError { message: self.renamed_in(&error.message, name), ..error }
    }

    fn base(&self) -> Option<&str> {
        self.parts().map(|(name, _)| name)
    }

    /// Returns the name and the number of a further index.
    fn parts(&self) -> Option<(&str, &str)> {
        let (front, check) = self.as_str().rsplit_once(CHECK_SEPARATOR)?;
        let (name, number) = front.rsplit_once(SEPARATOR)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && !name.is_empty() && check == check_of(front)).then_some((name, number))
    }
}

/// Returns the check of a name with its number: the upper half of their `xxh3_64` with seed 0, in hexadecimal
/// digits.
fn check_of(front: &str) -> String {
    format!("{:0CHECK_DIGITS$x}", xxh3_64(front.as_bytes()) >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> IndexUid {
        text.parse().unwrap()
    }

    #[test]
    fn first_index_is_kept_under_its_name_and_further_ones_are_not() {
        let films = name("films");
        assert_eq!(PhysicalUid::first(&films).unwrap().as_str(), "films");
        let further = PhysicalUid::further(&films, 1_764_573_600).unwrap();
        assert_eq!((further.as_str(), further.name()), ("films--1764573600-7fa95865", films));
        assert_eq!(further.number(), 1_764_573_600);
    }

    /// Indexes that are older than physical uids are kept under such names.
    #[test]
    fn names_of_another_origin_are_no_further_indexes() {
        for text in [
            "films--7",
            "logs--2024",
            "logs--1764573600",
            "a---5",
            "films--1764573600-00000000",
            "--7",
            "f--",
        ] {
            let uid = PhysicalUid::of_name(&name(text));
            assert_eq!((uid.name(), uid.number()), (name(text), 0), "{text}");
        }
    }

    #[test]
    fn name_with_a_suffix_gets_one_of_its_own() {
        for text in ["films", "a-", "a--3", "7"] {
            let further = PhysicalUid::further(&name(text), 12).unwrap();
            let same = name(further.as_str());
            assert_eq!(PhysicalUid::first(&same), None, "{same}");
            assert_eq!(PhysicalUid::further(&same, 9).unwrap().name(), same);
        }
    }

    #[test]
    fn name_that_is_too_long_for_a_suffix_has_no_further_index() {
        let longest = IndexUid::MAX_BYTES - PhysicalUid::SUFFIX_BYTES;
        assert!(PhysicalUid::further(&name(&"x".repeat(longest)), 1_764_573_600).is_ok());
        assert!(PhysicalUid::further(&name(&"x".repeat(longest + 1)), 1_764_573_600).is_err());
    }

    #[test]
    fn messages_name_the_index_as_clients_know_it() {
        let further = PhysicalUid::further(&name("films"), 7).unwrap();
        let message = format!("Index `{further}`: Attribute `{further}0` is not filterable.");
        let renamed = format!("Index `films`: Attribute `{further}0` is not filterable.");
        assert_eq!(further.renamed_in(&message, &name("films")), renamed);
    }

    proptest! {
        #[test]
        fn no_two_indexes_have_the_same(
            names in ("[a-b-]{1,3}", "[a-b-]{1,3}"),
            suffixes in (prop::option::of(0..3_u64), prop::option::of(0..3_u64)),
            numbers in (0..3_u64, 0..3_u64),
        ) {
            // A client may choose the physical uid of another index as a name.
            let suffixed = |text: &str, suffix: Option<u64>| match suffix {
                Some(number) => PhysicalUid::further(&name(text), number).unwrap().to_string(),
                None => text.to_owned(),
            };
            let (one, other) = (suffixed(&names.0, suffixes.0), suffixed(&names.1, suffixes.1));
            let uids = |text: &str, number| {
                let further = PhysicalUid::further(&name(text), number).unwrap();
                PhysicalUid::first(&name(text)).into_iter().chain([further]).collect::<Vec<_>>()
            };
            for uid in uids(&one, numbers.0) {
                prop_assert_eq!(uid.name(), name(&one));
                prop_assert!(one == other || !uids(&other, numbers.1).contains(&uid));
            }
        }
    }
}
