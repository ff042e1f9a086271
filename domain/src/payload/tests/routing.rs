//! Parts of a payload, as nodes are sent them.

use super::super::parsed::Document;
use super::*;
use crate::document::shard_value;
use crate::placement::{Placement, shard_of};
use crate::topology::fixture::numbered;

fn documents(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| format!("{{\"id\":{number},\"t\":\"title {number}\"}}\n").into_bytes())
        .collect()
}

#[test]
fn part_adds_the_shard_and_keeps_the_order() {
    let payload = parse(JSON, br#"[{"id":3},{ "id":1},{"id":2},{"id":3,"again":true}]"#, None).unwrap();
    let shards: Vec<String> = ["3", "1", "2"].iter().map(|id| shard_value(shard_of(id, 16))).collect();
    let expected = format!(
        "{{\"_miroir_shard\":\"{a}\",\"id\":3}}\n{{\"_miroir_shard\":\"{b}\", \"id\":1}}\n{{\"_miroir_shard\":\"{c}\",\"id\":2}}\n{{\"_miroir_shard\":\"{a}\",\"id\":3,\"again\":true}}\n",
        a = shards[0],
        b = shards[1],
        c = shards[2],
    );
    let part = payload.part(&ShardSet::all(16));
    assert_eq!(concat(&part), expected);
    assert_eq!(concat(&part), expected, "a part can be sent again");
    assert_eq!(part.content_length(), expected.len() as u64);
    assert_eq!(part.document_count(), 4);
}

#[test]
fn part_of_shards_without_documents_is_empty() {
    let payload = parse(NDJSON, b"{\"id\":1}", None).unwrap();
    let others: ShardSet =
        ShardSet::all(40).iter().filter(|shard| !payload.shards().contains(*shard)).collect();
    let part = payload.part(&others);
    assert_eq!((part.document_count(), part.content_length(), part.chunks().count()), (0, 0, 0));
}

#[test]
fn parts_of_a_placement_give_every_replica_its_documents() {
    let topology = numbered(2, 3, 2, None);
    let placement = Placement::new(&topology, 16);
    let payload = parse(NDJSON, &documents(500), None).unwrap();
    let mut copies = vec![0; 500];
    for (node, shards) in placement.write_targets(&payload.shards()) {
        let part = payload.part(&shards);
        let text = concat(&part);
        assert_eq!(text.lines().count(), part.document_count());
        for line in text.lines() {
            let document: serde_json::Value = serde_json::from_str(line).unwrap();
            let id = document["id"].as_u64().unwrap();
            let shard = shard_of(&id.to_string(), 16);
            assert_eq!(document["_miroir_shard"], shard_value(shard));
            assert!(placement.shards_of(&node).contains(shard));
            copies[usize::try_from(id).unwrap()] += 1;
        }
    }
    assert!(copies.iter().all(|count| *count == 4), "two groups with two replicas each");
}

#[test]
fn chunks_are_bounded_however_long_a_document_is() {
    let long = format!("{{\"id\":1,\"a\":\"{}\"}}\n{{\"id\":2}}\n", "x".repeat(1_000_000));
    let many = documents(20_000);
    for body in [long.as_bytes(), &many] {
        let part = parse(NDJSON, body, None).unwrap().part(&ShardSet::all(16));
        let sizes: Vec<usize> = part.chunks().map(|chunk| chunk.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>() as u64, part.content_length());
        assert!(sizes.iter().all(|size| *size <= 65 * 1024), "{sizes:?}");
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size >= 63 * 1024), "{sizes:?}");
    }
}

#[test]
fn place_of_a_document_takes_sixteen_bytes() {
    assert!(
        size_of::<Document>() <= 16,
        "a million documents should not cost more than 16 MB beside their text"
    );
}
