//! Circles among arrows.

use std::collections::{BTreeMap, BTreeSet};

/// Arrows between named things.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Adds an arrow. An arrow from a thing to itself is no circle and is left out.
    pub fn add(&mut self, from: &str, to: &str) {
        if from != to {
            self.arrows.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }

    /// Returns how many arrows there are.
    pub fn len(&self) -> usize {
        self.arrows.values().map(BTreeSet::len).sum()
    }

    /// Returns whether there are no arrows.
    pub fn is_empty(&self) -> bool {
        self.arrows.is_empty()
    }

    /// Returns the circles: for each, all things that reach each other.
    pub fn circles(&self) -> Vec<BTreeSet<String>> {
        let mut circles: Vec<BTreeSet<String>> = Vec::new();
        for start in self.arrows.keys() {
            if circles.iter().any(|circle| circle.contains(start)) {
                continue;
            }
            let reached = self.reach(start);
            if reached.contains(start) {
                circles.push(reached.into_iter().filter(|other| self.reach(other).contains(start)).collect());
            }
        }
        circles
    }

    /// Returns the arrows inside `circle`, each as `from -> to`.
    pub fn inside(&self, circle: &BTreeSet<String>) -> Vec<String> {
        let arrows = self.arrows.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
        let inside = arrows.filter(|(from, to)| circle.contains(*from) && circle.contains(*to));
        inside.map(|(from, to)| format!("{from} -> {to}")).collect()
    }

    /// Returns everything that can be reached from `start` by at least one arrow.
    fn reach(&self, start: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut ahead: Vec<&String> = self.arrows.get(start).into_iter().flatten().collect();
        while let Some(next) = ahead.pop() {
            if reached.insert(next.clone()) {
                ahead.extend(self.arrows.get(next).into_iter().flatten());
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(arrows: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in arrows {
            graph.add(from, to);
        }
        graph
    }

    #[test]
    fn circles_are_found_once_each_with_their_arrows() {
        let graph =
            graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("f", "a")]);
        let circles = graph.circles();
        assert_eq!(circles.len(), 2);
        assert_eq!(circles[0].iter().map(String::as_str).collect::<String>(), "abc");
        assert_eq!(graph.inside(&circles[1]), ["d -> e", "e -> d"]);
    }

    #[test]
    fn tree_and_self_reference_are_no_circles() {
        assert!(graph(&[("a", "a"), ("a", "b"), ("a", "c"), ("b", "c")]).circles().is_empty());
    }
}
