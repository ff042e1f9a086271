use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::topology::Node;
use crate::topology::fixture::numbered;

// The golden values were computed with another implementation of xxHash (the Python package `xxhash`).
const SHARDS_OF_64: [u32; 5] = [24, 20, 34, 4, 52];
const SHARD_OF_MANY: u32 = 4_117_108_314;
const REPLICAS: [&str; 8] = ["bc", "ca", "cb", "bc", "ab", "ba", "ba", "cb"];
const SCORE: u64 = 0x88af_198f_26ad_8065;

fn node_id(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// `groups` groups of `per_group` nodes, named `node-<group>-<number>`.
fn topology(groups: u32, per_group: u32, replication_factor: u32) -> Topology {
    numbered(groups, per_group, replication_factor, None)
}

fn group_ids(groups: u32) -> Vec<GroupId> {
    (0..groups).map(GroupId).collect()
}

/// Any small topology that is valid, with a shard count.
fn clusters() -> impl Strategy<Value = (Topology, u32)> {
    (1_u32..4, 1_u32..8, 1_u32..4, 1_u32..80).prop_map(|(groups, spare, replication_factor, shards)| {
        (topology(groups, replication_factor + spare - 1, replication_factor), shards)
    })
}

#[test]
fn shards_and_replicas_never_change_between_versions() {
    // These values are the format of stored data: a version that fails here would not find documents.
    let shards: Vec<u32> =
        ["1", "2", "movie-42", "A_b", &"x".repeat(511)].iter().map(|id| shard_of(id, 64).0).collect();
    assert_eq!(shards, SHARDS_OF_64);
    assert_eq!(shard_of("1", 1), Shard(0));
    assert_eq!(shard_of("1", u32::MAX), Shard(SHARD_OF_MANY));

    let nodes = ["node-a", "node-b", "node-c"].map(|name| Node { id: node_id(name), group: GroupId(0) });
    let topology = Topology::new(nodes.to_vec(), 2, None).unwrap();
    let placement = Placement::new(&topology, 8);
    let replicas: Vec<String> = (0..8)
        .map(|shard| {
            let names = placement.replicas(Shard(shard), GroupId(0)).iter();
            names.map(|node| node.as_str().replace("node-", "")).collect()
        })
        .collect();
    assert_eq!(replicas, REPLICAS);
    assert_eq!(score(Shard(7), &node_id("node-a")), SCORE);
}

#[test]
fn shard_of_agrees_with_the_published_test_vector() {
    // XXH3_64bits of the empty input with seed 0, from the specification of xxHash.
    assert_eq!(hash_id(b""), 0x2d06_8005_38d3_94c2);
}

#[test]
fn shard_of_spreads_keys_evenly() {
    let mut counts = vec![0_u32; 64];
    for number in 0..64_000 {
        counts[shard_of(&number.to_string(), 64).0 as usize] += 1;
    }
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
}

#[test]
fn placement_of_an_unknown_group_shard_or_node_is_empty() {
    let placement = Placement::new(&topology(1, 2, 1), 4);
    assert!(placement.replicas(Shard(0), GroupId(7)).is_empty());
    assert!(placement.replicas(Shard(4), GroupId(0)).is_empty());
    assert!(placement.replicas(Shard(u32::MAX), GroupId(0)).is_empty());
    assert!(placement.shards_of(&node_id("stranger")).is_empty());
    assert!(placement.write_targets(&[Shard(4)].into_iter().collect()).is_empty());
}

#[test]
fn covering_set_uses_another_group_shard_by_shard() {
    let topology = topology(2, 3, 1);
    let placement = Placement::new(&topology, 64);
    let down = node_id("node-0-1");
    let cost = |node: &NodeId| (*node != down).then_some(1);
    let set = placement.covering_set(&group_ids(2), &cost);
    assert!(set.uncovered.is_empty());
    for (node, shards) in &set.nodes {
        for shard in shards.iter() {
            let borrowed = topology.group_of(node) == Some(GroupId(1));
            assert_eq!(borrowed, placement.shards_of(&down).contains(shard), "shard {shard} on {node}");
        }
    }
}

#[test]
fn covering_set_reports_shards_that_no_node_can_serve() {
    let placement = Placement::new(&topology(1, 3, 1), 64);
    let down = node_id("node-0-1");
    let set = placement.covering_set(&group_ids(1), &|node| (*node != down).then_some(1));
    assert_eq!(&set.uncovered, placement.shards_of(&down));
    assert!(!set.nodes.contains_key(&down));
    let empty = placement.covering_set(&[], &|_| Some(1));
    assert_eq!(empty.uncovered, ShardSet::all(64));
    assert!(empty.nodes.is_empty());
}

#[test]
fn covering_set_uses_few_nodes_of_equal_costs() {
    // Every node holds every shard, so one is enough.
    let placement = Placement::new(&topology(1, 3, 3), 64);
    assert_eq!(placement.covering_set(&group_ids(1), &|_| Some(5)).nodes.len(), 1);
}

#[test]
fn covering_set_spreads_by_cost() {
    let placement = Placement::new(&topology(1, 4, 2), 128);
    let busy = node_id("node-0-2");
    let set = placement.covering_set(&group_ids(1), &|node| Some(if *node == busy { 9 } else { 1 }));
    assert!(!set.nodes.contains_key(&busy), "every shard has a cheaper replica");
}

#[test]
fn covering_set_avoids_doubtful_shards_of_a_node_that_serves_others() {
    let topology = numbered(1, 3, 2, None);
    let placement = Placement::new(&topology, 32);
    let node = topology.nodes().next().unwrap().clone();
    let kept = placement.shards_of(&node);
    let doubtful: ShardSet = kept.iter().step_by(2).collect();
    let set = |cost: u64, doubt_cost| {
        let doubts = |other: &NodeId| if *other == node { doubtful.clone() } else { ShardSet::default() };
        let costs = |other: &NodeId| Some(if *other == node { cost } else { 5 });
        placement.covering_set_avoiding(&group_ids(1), &costs, &doubts, doubt_cost)
    };
    // It is the cheapest node, and serves all of its shards but the doubtful ones.
    for doubt_cost in [None, Some(1 << 50)] {
        let set = set(1, doubt_cost);
        assert!(set.uncovered.is_empty());
        assert_eq!(set.nodes[&node], kept.difference(&doubtful));
    }
    // It is the only node of some shards.
    let alone = |doubt_cost| {
        let costs = |other: &NodeId| (*other == node).then_some(1);
        placement.covering_set_avoiding(&group_ids(1), &costs, &|_| doubtful.clone(), doubt_cost)
    };
    assert_eq!(alone(Some(1)).nodes[&node], *kept);
    assert_eq!(alone(None).nodes[&node], kept.difference(&doubtful));
}

#[test]
fn covering_set_calls_the_cost_of_a_node_once() {
    let placement = Placement::new(&topology(2, 4, 2), 256);
    let calls = RefCell::new(BTreeMap::<NodeId, u32>::new());
    let set = placement.covering_set(&group_ids(2), &|node| {
        *calls.borrow_mut().entry(node.clone()).or_default() += 1;
        Some(1)
    });
    assert!(set.uncovered.is_empty());
    assert!(calls.borrow().values().all(|count| *count == 1));
}

#[test]
fn new_node_takes_its_share() {
    for nodes in 1..8 {
        let shards = 4_096;
        let before = Placement::new(&topology(1, nodes, 1), shards);
        let after = Placement::new(&topology(1, nodes + 1, 1), shards);
        let moved = (0..shards)
            .filter(|shard| {
                before.replicas(Shard(*shard), GroupId(0)) != after.replicas(Shard(*shard), GroupId(0))
            })
            .count();
        let expected = f64::from(shards) / f64::from(nodes + 1);
        let share = f64::from(u32::try_from(moved).unwrap()) / expected;
        assert!((0.8..1.2).contains(&share), "{moved} of {shards} shards moved to node {}", nodes + 1);
    }
}

proptest! {
    #[test]
    fn new_node_moves_copies_to_itself_only(nodes in 1_u32..9, factor in 1_u32..4, shards in 1_u32..200) {
        let nodes = nodes + factor - 1;
        let before = Placement::new(&topology(2, nodes, factor), shards);
        let joined = node_id(&format!("node-0-{nodes}"));
        let mut members: Vec<Node> = Vec::new();
        for group in topology(2, nodes, factor).groups() {
            members.extend(group.nodes.iter().map(|id| Node { id: id.clone(), group: group.id }));
        }
        members.push(Node { id: joined.clone(), group: GroupId(0) });
        let after = Placement::new(&Topology::new(members, factor, None).unwrap(), shards);
        for shard in (0..shards).map(Shard) {
            let old: BTreeSet<_> = before.replicas(shard, GroupId(0)).iter().collect();
            let gained: Vec<_> =
                after.replicas(shard, GroupId(0)).iter().filter(|node| !old.contains(node)).collect();
            prop_assert!(gained.is_empty() || gained == [&joined]);
            prop_assert_eq!(before.replicas(shard, GroupId(1)), after.replicas(shard, GroupId(1)));
        }
    }

    #[test]
    fn shard_of_is_the_remainder_for_every_count(id in "[a-z0-9]{1,20}", count in 1_u32..5_000) {
        prop_assert_eq!(u64::from(shard_of(&id, count).0), hash_id(id.as_bytes()) % u64::from(count));
    }

    #[test]
    fn replicas_are_distinct_and_of_their_group((topology, shards) in clusters()) {
        let placement = Placement::new(&topology, shards);
        prop_assert_eq!(placement.shard_count(), shards);
        for shard in (0..shards).map(Shard) {
            for group in topology.groups() {
                let replicas = placement.replicas(shard, group.id);
                let distinct: BTreeSet<_> = replicas.iter().collect();
                prop_assert_eq!(distinct.len(), topology.replication_factor() as usize);
                prop_assert!(replicas.iter().all(|node| group.nodes.contains(node)));
            }
        }
    }

    #[test]
    fn replicas_are_those_with_the_best_scores((topology, shards) in clusters()) {
        let placement = Placement::new(&topology, shards);
        for shard in (0..shards).map(Shard) {
            for group in topology.groups() {
                let mut ranking = group.nodes.clone();
                ranking.sort_by_key(|node| {
                    let mut key = shard.0.to_le_bytes().to_vec();
                    key.extend_from_slice(node.as_str().as_bytes());
                    Reverse(xxh3_64(&key))
                });
                ranking.truncate(topology.replication_factor() as usize);
                prop_assert_eq!(placement.replicas(shard, group.id), &ranking[..]);
            }
        }
    }

    #[test]
    fn write_targets_and_shards_of_agree_with_replicas(
        (topology, shards) in clusters(),
        touched in proptest::collection::btree_set(0_u32..90, 0..40),
    ) {
        let placement = Placement::new(&topology, shards);
        let touched: ShardSet = touched.into_iter().map(Shard).collect();
        let targets = placement.write_targets(&touched);
        for group in topology.groups() {
            for node in &group.nodes {
                let kept: ShardSet =
                    (0..shards).map(Shard).filter(|shard| placement.replicas(*shard, group.id).contains(node)).collect();
                let sent: ShardSet = kept.iter().filter(|shard| touched.contains(*shard)).collect();
                prop_assert_eq!(placement.shards_of(node), &kept);
                prop_assert_eq!(targets.get(node), (!sent.is_empty()).then_some(&sent));
            }
        }
        prop_assert!(targets.keys().all(|node| topology.group_of(node).is_some()));
    }

    #[test]
    fn covering_set_covers_every_shard_once_at_the_lowest_cost(
        (topology, shards) in clusters(),
        costs in proptest::collection::vec(proptest::option::weighted(0.7, 0_u64..4), 40),
        order in Just(group_ids(3)).prop_shuffle(),
    ) {
        let placement = Placement::new(&topology, shards);
        let costs: BTreeMap<NodeId, Option<u64>> =
            topology.nodes().cloned().zip(costs.into_iter().cycle()).collect();
        let cost = |node: &NodeId| costs[node];
        let set = placement.covering_set(&order, &cost);
        for shard in (0..shards).map(Shard) {
            let serving: Vec<_> =
                set.nodes.iter().filter(|(_, served)| served.contains(shard)).map(|(node, _)| node).collect();
            let expected = order.iter().find_map(|group| {
                placement.replicas(shard, *group).iter().filter_map(cost).min().map(|lowest| (*group, lowest))
            });
            match expected {
                None => {
                    prop_assert!(serving.is_empty());
                    prop_assert!(set.uncovered.contains(shard));
                }
                Some((group, lowest)) => {
                    prop_assert_eq!(serving.len(), 1);
                    prop_assert!(!set.uncovered.contains(shard));
                    prop_assert!(placement.replicas(shard, group).contains(serving[0]));
                    prop_assert_eq!(cost(serving[0]), Some(lowest));
                }
            }
        }
        prop_assert!(set.nodes.values().all(|served| !served.is_empty()));
        prop_assert_eq!(&set, &placement.covering_set(&order, &cost), "equal arguments give equal sets");
    }
}

#[test]
fn covering_set_uses_a_last_resort_only_without_a_cheaper_group() {
    let topology = topology(2, 1, 1);
    let placement = Placement::new(&topology, 4);
    let (first, second) = (node_id("node-0-0"), node_id("node-1-0"));
    let chosen = |costs: [Option<u64>; 2]| {
        let cost = |node: &NodeId| if *node == first { costs[0] } else { costs[1] };
        let set = placement.covering_set(&group_ids(2), &cost);
        assert_eq!(set.nodes.len(), 1);
        set.nodes.into_keys().next().unwrap()
    };
    assert_eq!(
        chosen([Some(LAST_RESORT_COST - 1), Some(0)]),
        first,
        "both are willing: the caller's order decides"
    );
    assert_eq!(chosen([Some(LAST_RESORT_COST), Some(LAST_RESORT_COST - 1)]), second);
    assert_eq!(
        chosen([Some(LAST_RESORT_COST + 2), Some(LAST_RESORT_COST + 1)]),
        second,
        "the less reluctant one"
    );
    assert_eq!(chosen([Some(LAST_RESORT_COST), None]), first, "a last resort is better than none");
}
