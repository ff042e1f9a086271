//! Physical uids: the names under which the nodes keep indexes.
//!
//! An index that was deleted and made anew is another one, though clients see the same name. Under a physical
//! uid of its own, it has nothing in common with what a node may still have of the former one: a node that
//! was away for the deletion cannot show old documents in the new index, and a write that was sent to the
//! former index cannot reach the new one.
//!
//! The first index of a name is kept under that name. Each further one gets a suffix, from which the name can
//! be read again. So a lost task store can be rebuilt from the nodes.

use crate::error::ResponseError;
use crate::{IndexUid, InvalidId, PhysicalUid};

/// The separator between a name and the suffix.
const SEPARATOR: &str = "--";

impl PhysicalUid {
    /// Returns the physical uid of the first index named `name`. Returns `None` if the name looks like one
    /// with a suffix: the index of another name could have the same.
    pub fn first(name: &IndexUid) -> Option<Self> {
        let uid = Self::of_name(name);
        uid.base().is_none().then_some(uid)
    }

    /// Returns the name itself. Indexes that are older than physical uids are kept under their names,
    /// whatever these look like.
    pub fn of_name(name: &IndexUid) -> Self {
        Self(name.as_str().to_owned())
    }

    /// Returns the physical uid of a further index named `name`: `films--1764573600` for the number
    /// 1764573600.
    ///
    /// # Errors
    ///
    /// Fails if the name is too long for a suffix.
    pub fn further(name: &IndexUid, number: u64) -> Result<Self, InvalidId> {
        format!("{name}{SEPARATOR}{number}").parse()
    }

    /// Returns the name that the index had when it was made.
    pub fn name(&self) -> IndexUid {
        IndexUid(self.base().unwrap_or(self.as_str()).to_owned())
    }

    /// Returns `message`, which quotes this uid, as clients know the index.
    fn renamed_in(&self, message: &str, name: &IndexUid) -> String {
        if self.as_str() == name.as_str() {
            return message.to_owned();
        }
        message.replace(&format!("`{self}`"), &format!("`{name}`"))
    }

    /// Returns the number of a further index, or 0 for the first. Of the indexes that had one name, that with
    /// the greatest number was made last.
    pub fn number(&self) -> u64 {
        let further = self.base().and_then(|base| self.as_str().strip_prefix(base)?.strip_prefix(SEPARATOR));
        further.and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// Returns `error`, which a node wrote, as clients know the index.
    #[must_use]
    pub fn renamed_in_error(&self, error: ResponseError, name: &IndexUid) -> ResponseError {
        ResponseError { message: self.renamed_in(&error.message, name), ..error }
    }

    fn base(&self) -> Option<&str> {
        let (base, number) = self.as_str().rsplit_once(SEPARATOR)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && !base.is_empty()).then_some(base)
    }
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
        assert_eq!((further.as_str(), further.name()), ("films--1764573600", films));
    }

    #[test]
    fn name_that_looks_like_one_with_a_suffix_gets_one_of_its_own() {
        for text in ["films--7", "a---5", "a--0012"] {
            assert_eq!(PhysicalUid::first(&name(text)), None, "{text}");
            assert_eq!(PhysicalUid::further(&name(text), 9).unwrap().name(), name(text));
        }
        for text in ["films-7", "films--", "--7", "films--7a", "films--7-"] {
            assert_eq!(PhysicalUid::first(&name(text)).unwrap().name(), name(text), "{text}");
        }
    }

    #[test]
    fn name_that_is_too_long_for_a_suffix_has_no_further_index() {
        assert!(PhysicalUid::further(&name(&"x".repeat(388)), 1_764_573_600).is_ok());
        assert!(PhysicalUid::further(&name(&"x".repeat(389)), 1_764_573_600).is_err());
    }

    #[test]
    fn messages_name_the_index_as_clients_know_it() {
        let further = PhysicalUid::further(&name("films"), 7).unwrap();
        let message = "Index `films--7`: Attribute `films--70` is not filterable.";
        let renamed = "Index `films`: Attribute `films--70` is not filterable.";
        assert_eq!(further.renamed_in(message, &name("films")), renamed);
    }

    proptest! {
        #[test]
        fn no_two_indexes_have_the_same(
            one in "[a-c-]{1,4}(--[0-9]{1,2})?",
            other in "[a-c-]{1,4}(--[0-9]{1,2})?",
            numbers in (0..30_u64, 0..30_u64),
        ) {
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
