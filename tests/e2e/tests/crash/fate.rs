//! What may have become of a thing that was written in a known order, some of it lost.

/// What became of one write to the thing on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// The node did it.
    pub here: bool,
    /// Some node did it.
    pub anywhere: bool,
}

/// The states the thing may have on the node, the one of a node that lacks nothing last.
///
/// A node has done what it accepted. At one moment it may also have been given the state of a node that had all
/// writes up to then; only a node that missed one is given anything, and never before that.
pub fn possible<S: Clone, W>(writes: &[(W, Fate)], empty: &S, apply: impl Fn(&S, &W) -> S) -> Vec<S> {
    let fold = |given_until: usize| {
        writes.iter().enumerate().fold(empty.clone(), |state, (position, (write, fate))| {
            let applies = if position < given_until { fate.anywhere } else { fate.here };
            if applies { apply(&state, write) } else { state }
        })
    };
    let first_missed = writes.iter().position(|(_, fate)| fate.anywhere && !fate.here);
    let mut states = vec![fold(0)];
    if let Some(first) = first_missed {
        states.extend((first + 1..writes.len()).map(fold));
    }
    states.push(fold(writes.len()));
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(fates: &[(bool, bool)]) -> Vec<Vec<usize>> {
        let writes: Vec<(usize, Fate)> = fates
            .iter()
            .enumerate()
            .map(|(number, (here, anywhere))| (number, Fate { here: *here, anywhere: *anywhere }))
            .collect();
        let append = |state: &Vec<usize>, write: &usize| [state.as_slice(), &[*write]].concat();
        possible(&writes, &Vec::new(), append)
    }

    #[test]
    fn possible_is_one_state_on_a_node_that_missed_nothing() {
        for state in states(&[(true, true), (false, false), (true, true)]) {
            assert_eq!(state, [0, 2]);
        }
    }

    #[test]
    fn possible_includes_what_the_node_was_given_after_a_miss() {
        let states = states(&[(true, true), (false, true), (true, true), (false, true)]);
        assert_eq!(states, [vec![0, 2], vec![0, 1, 2], vec![0, 1, 2], vec![0, 1, 2, 3]]);
    }
}
