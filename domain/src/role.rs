//! Roles: work that exactly one instance does at a time, and the choice of that instance.

use xxhash_rust::xxh3::xxh3_64;

use crate::SinkName;

/// The number of parts into which canaries are divided.
pub const CANARY_PARTS: u8 = 8;

/// Work that one instance does for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The leader: it puts writes in order, sends them to the nodes and follows their tasks. The role stays
    /// with its holder.
    Writes,
    /// Delivery to a sink.
    Sink(SinkName),
    /// One part of the canaries; parts are numbered from 0, below [`CANARY_PARTS`].
    Canaries(u8),
}

impl Role {
    /// Returns the role that runs a canary.
    pub fn of_canary(id: &str) -> Self {
        let part = xxh3_64(id.as_bytes()) % u64::from(CANARY_PARTS);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the remainder of a division by 8 bits has 8 bits"
        )]
        Self::Canaries(part as u8)
    }

    /// Returns the roles of all parts of the canaries.
    pub fn all_canaries() -> impl Iterator<Item = Self> {
        (0..CANARY_PARTS).map(Self::Canaries)
    }

    /// Returns its name, which is the scope of the lease that its holder has.
    pub fn name(&self) -> String {
        match self {
            Self::Writes => "writes".to_owned(),
            Self::Sink(name) => format!("sink:{name}"),
            Self::Canaries(part) => format!("canaries:{part}"),
        }
    }

    /// Returns whether the role is distributed among the instances. Other roles stay with their holder.
    pub fn is_distributed(&self) -> bool {
        *self != Self::Writes
    }
}

/// Returns the instance that a role is assigned to: the one with the highest score for it. Returns `None` if
/// there are no instances.
///
/// ```text
/// score(role, instance) = xxh3_64(name of the role ++ 0x00 ++ instance), seed 0
/// ```
///
/// The smaller id wins a tie. This is the rendezvous hashing of [`Placement`](crate::placement::Placement): a
/// new instance takes its share from all others, an instance that leaves gives its share to all others, and
/// nothing else moves.
pub fn assigned_to<'a>(role: &Role, instances: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = role.name();
    let weight = |instance: &str| xxh3_64(format!("{name}\0{instance}").as_bytes());
    instances.into_iter().max_by(|one, other| weight(one).cmp(&weight(other)).then_with(|| other.cmp(one)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn all_roles() -> Vec<Role> {
        let sinks = (0..40).map(|n| Role::Sink(format!("sink-{n}").parse().unwrap()));
        Role::all_canaries().chain(sinks).collect()
    }

    #[test]
    fn names_are_distinct() {
        assert_eq!(Role::Writes.name(), "writes");
        assert_eq!(Role::Sink("audit".parse().unwrap()).name(), "sink:audit");
        assert_eq!(Role::Canaries(7).name(), "canaries:7");
    }

    #[test]
    fn canaries_spread_over_all_parts() {
        let mut parts: Vec<Role> = (0..1_000).map(|n| Role::of_canary(&format!("canary-{n}"))).collect();
        parts.sort();
        parts.dedup();
        assert_eq!(parts, Role::all_canaries().collect::<Vec<_>>());
    }

    /// Instances of different versions must agree on the holders, so the scores may not change. Computed with
    /// the Python package `xxhash`.
    #[test]
    fn scores_never_change() {
        let instances = ["a", "b", "c"];
        let won: Vec<&str> =
            Role::all_canaries().map(|role| assigned_to(&role, instances).unwrap()).collect();
        assert_eq!(won.join(""), "cbaacbcc");
        assert_eq!(assigned_to(&Role::Writes, []), None);
    }

    proptest! {
        #[test]
        fn assignment_ignores_the_order_of_instances(mut instances in proptest::collection::vec("[a-z]{1,4}", 1..6)) {
            let before: Vec<String> = all_roles().iter()
                .map(|role| assigned_to(role, instances.iter().map(String::as_str)).unwrap().to_owned()).collect();
            instances.reverse();
            let after: Vec<String> = all_roles().iter()
                .map(|role| assigned_to(role, instances.iter().map(String::as_str)).unwrap().to_owned()).collect();
            prop_assert_eq!(before, after);
        }

        #[test]
        fn leaving_instance_moves_its_own_roles_only(count in 2_usize..8, gone in 0_usize..8) {
            let instances: Vec<String> = (0..count).map(|n| format!("instance-{n}")).collect();
            let gone = &instances[gone % count];
            for role in all_roles() {
                let before = assigned_to(&role, instances.iter().map(String::as_str)).unwrap();
                let left = instances.iter().filter(|one| *one != gone).map(String::as_str);
                let after = assigned_to(&role, left).unwrap();
                prop_assert!(before == gone || before == after);
            }
        }
    }

    #[test]
    fn every_instance_gets_a_share() {
        let instances: Vec<String> = (0..3).map(|n| format!("instance-{n}")).collect();
        let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
        for role in all_roles() {
            *shares.entry(assigned_to(&role, instances.iter().map(String::as_str)).unwrap()).or_default() +=
                1;
        }
        assert!(shares.len() == 3 && shares.values().all(|share| *share >= 8), "{shares:?}");
    }
}
