//! Possible states of an object after writes in a known order, some of which were lost.

/// Outcome of one write to the object on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// True if the node executed the write.
    pub here: bool,
    /// True if some node executed the write.
    pub anywhere: bool,
}

/// Returns the possible states of the object on the node. The last one is that of a node that missed no
/// write.
///
/// A node has executed the writes it accepted. A repair may once have given it the state of a node with all
/// writes up to then. Only a node that missed a write is repaired, and never before that write.
pub fn possible<S: Clone, W>(writes: &[(W, Outcome)], empty: &S, apply: impl Fn(&S, &W) -> S) -> Vec<S> {
    let fold = |repaired_until: usize| {
        writes.iter().enumerate().fold(empty.clone(), |state, (position, (write, outcome))| {
            let applies = if position < repaired_until { outcome.anywhere } else { outcome.here };
            if applies { apply(&state, write) } else { state }
        })
    };
    let first_missed = writes.iter().position(|(_, outcome)| outcome.anywhere && !outcome.here);
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

    fn states(outcomes: &[(bool, bool)]) -> Vec<Vec<usize>> {
        let writes: Vec<(usize, Outcome)> = outcomes
            .iter()
            .enumerate()
            .map(|(number, (here, anywhere))| (number, Outcome { here: *here, anywhere: *anywhere }))
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
    fn possible_includes_states_of_a_repair_after_a_miss() {
        let states = states(&[(true, true), (false, true), (true, true), (false, true)]);
        assert_eq!(states, [vec![0, 2], vec![0, 1, 2], vec![0, 1, 2], vec![0, 1, 2, 3]]);
    }
}
