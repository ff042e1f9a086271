//! Possible states of an object after writes in a known order, some of which may not have taken effect.

use serde_json::Value;

use super::evidence::{NodePart, parts};

/// Outcome of one write to an object, on every replica of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The write took effect.
    Done,
    /// The write failed, but some node executed it. Repair may have taken it back, or copied it.
    Perhaps,
    /// No node executed the write.
    Lost,
}

impl Outcome {
    /// Returns the outcome of the write of `task`, if `executed` tells whether a node executed its part.
    pub fn of(task: &Value, executed: impl Fn(&NodePart) -> bool) -> Self {
        if task["status"] == "succeeded" {
            Self::Done
        } else if parts(task).any(|part| executed(&part)) {
            Self::Perhaps
        } else {
            Self::Lost
        }
    }
}

/// Returns the possible states of the object, each once.
pub fn possible<S: Clone + PartialEq, W>(
    writes: &[(W, Outcome)],
    empty: &S,
    apply: impl Fn(&S, &W) -> S,
) -> Vec<S> {
    let mut states = vec![empty.clone()];
    for (write, outcome) in writes {
        let written = || states.iter().map(|state| apply(state, write)).collect();
        let next: Vec<S> = match outcome {
            Outcome::Done => written(),
            Outcome::Perhaps => [states.clone(), written()].concat(),
            Outcome::Lost => continue,
        };
        states.clear();
        for state in next {
            if !states.contains(&state) {
                states.push(state);
            }
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn states(outcomes: &[Outcome]) -> Vec<Vec<usize>> {
        let writes: Vec<(usize, Outcome)> = outcomes.iter().copied().enumerate().collect();
        let append = |state: &Vec<usize>, write: &usize| [state.as_slice(), &[*write]].concat();
        possible(&writes, &Vec::new(), append)
    }

    #[test]
    fn possible_is_one_state_if_every_outcome_is_known() {
        assert_eq!(states(&[Outcome::Done, Outcome::Lost, Outcome::Done]), [[0, 2]]);
    }

    #[test]
    fn possible_is_with_and_without_a_write_of_unknown_outcome() {
        assert_eq!(states(&[Outcome::Done, Outcome::Perhaps, Outcome::Done]), [vec![0, 2], vec![0, 1, 2]]);
    }

    #[test]
    fn possible_has_each_state_once() {
        let writes = [("a", Outcome::Perhaps), ("b", Outcome::Perhaps), ("c", Outcome::Done)];
        assert_eq!(possible(&writes, &"", |_, write| *write), ["c"]);
    }

    #[test]
    fn outcome_of_a_failed_write_depends_on_the_nodes() {
        let task = |status| json!({ "status": status, "nodeTasks": { "node-1": { "uid": 1 } } });
        assert_eq!(Outcome::of(&task("succeeded"), |_| false), Outcome::Done);
        assert_eq!(Outcome::of(&task("failed"), |_| true), Outcome::Perhaps);
        assert_eq!(Outcome::of(&task("failed"), |_| false), Outcome::Lost);
    }
}
