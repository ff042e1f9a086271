//! The order of writes that may be about the same document.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Divides things into lines. Two things with a part in common are in the same line, in the order in which
/// they came; `parts` returns the parts of a thing.
pub fn lines<T, P: Eq + Hash + Clone>(
    things: impl Iterator<Item = T>,
    parts: impl Fn(&T) -> Vec<P>,
) -> Vec<Vec<T>> {
    // Each thing with its position, so that lines that are joined can be put in order.
    let mut lines: Vec<Vec<(usize, T)>> = Vec::new();
    let mut line_of: HashMap<P, usize> = HashMap::new();
    for (place, thing) in things.enumerate() {
        let parts = parts(&thing);
        let met: BTreeSet<usize> = parts.iter().filter_map(|part| line_of.get(part).copied()).collect();
        let mut met = met.into_iter();
        let line = met.next().unwrap_or_else(|| {
            lines.push(Vec::new());
            lines.len() - 1
        });
        for other in met {
            let joined = std::mem::take(&mut lines[other]);
            lines[line].extend(joined);
            line_of.values_mut().filter(|known| **known == other).for_each(|known| *known = line);
        }
        lines[line].push((place, thing));
        line_of.extend(parts.into_iter().map(|part| (part, line)));
    }
    let ordered = lines.into_iter().filter(|line| !line.is_empty()).map(|mut line| {
        line.sort_by_key(|(place, _)| *place);
        line.into_iter().map(|(_, thing)| thing).collect()
    });
    ordered.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(parts: &[&[u32]]) -> Vec<Vec<usize>> {
        lines(0..parts.len(), |thing| parts[*thing].to_vec())
    }

    #[test]
    fn lines_separate_things_without_common_parts() {
        assert_eq!(numbered(&[&[1], &[2], &[1], &[]]), [vec![0, 2], vec![1], vec![3]]);
    }

    #[test]
    fn lines_with_a_common_part_are_joined_in_order() {
        assert_eq!(numbered(&[&[1], &[2], &[3], &[2, 1], &[3]]), [vec![0, 1, 3], vec![2, 4]]);
    }

    proptest! {
        #[test]
        fn lines_hold_everything_once_in_order_with_all_it_meets(
            parts in proptest::collection::vec(proptest::collection::vec(0_u32..12, 0..4), 0..30),
        ) {
            let made = lines(0..parts.len(), |thing| parts[*thing].clone());
            let mut all: Vec<usize> = made.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..parts.len()).collect::<Vec<_>>());
            for line in &made {
                prop_assert!(line.is_sorted());
            }
            let line_of = |thing: usize| made.iter().position(|line| line.contains(&thing));
            for first in 0..parts.len() {
                for second in 0..first {
                    if parts[first].iter().any(|part| parts[second].contains(part)) {
                        prop_assert_eq!(line_of(first), line_of(second));
                    }
                }
            }
        }
    }
}
