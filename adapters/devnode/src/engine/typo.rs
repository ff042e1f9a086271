//! Typos between a query word and a word of a document.

/// Returns the number of typos that turn `query` into `word`, or for a prefix into a beginning of it, if at
/// most `allowed`.
///
/// Insertions, deletions, replacements and swaps of neighbours count one each; a different first letter
/// counts one more.
pub(crate) fn typos(query: &str, word: &str, is_prefix: bool, allowed: u8) -> Option<u8> {
    if query == word || (is_prefix && word.starts_with(query)) {
        return Some(0);
    }
    if allowed == 0 {
        return None;
    }
    let query: Vec<char> = query.chars().collect();
    let word: Vec<char> = word.chars().collect();
    if !is_prefix && query.len().abs_diff(word.len()) > usize::from(allowed) {
        return None;
    }
    let distance = distance(&query, &word, is_prefix);
    let penalty = usize::from(query.first() != word.first());
    u8::try_from(distance + penalty).ok().filter(|typos| *typos <= allowed)
}

/// Returns the edit distance with swaps of neighbours. For a prefix, returns the least over all beginnings of
/// `word`.
fn distance(query: &[char], word: &[char], is_prefix: bool) -> usize {
    // Rows of the classic table, one for each letter of `word`. A swap uses the row before the previous one.
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=query.len()).collect();
    let mut least = previous[query.len()];
    for (row, letter) in word.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, wanted) in query.iter().enumerate() {
            let replaced = previous[column] + usize::from(letter != wanted);
            let mut best = replaced.min(previous[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && word[row - 1] == *wanted && query[column - 1] == *letter {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        least = least.min(current[query.len()]);
        before = std::mem::replace(&mut previous, current);
    }
    if is_prefix { least } else { previous[query.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_count_edits_and_swaps() {
        assert_eq!(typos("wonder", "wonder", false, 0), Some(0));
        assert_eq!(typos("wondr", "wonder", false, 1), Some(1));
        assert_eq!(typos("wnoder", "wonder", false, 1), Some(1));
        assert_eq!(typos("wxyder", "wonder", false, 1), None);
        assert_eq!(typos("wxyder", "wonder", false, 2), Some(2));
    }

    #[test]
    fn first_letter_counts_twice() {
        assert_eq!(typos("xonder", "wonder", false, 1), None);
        assert_eq!(typos("xonder", "wonder", false, 2), Some(2));
    }

    #[test]
    fn prefix_matches_a_beginning() {
        assert_eq!(typos("won", "wonderful", true, 0), Some(0));
        assert_eq!(typos("wondef", "wonderful", true, 1), Some(1));
        assert_eq!(typos("won", "wonderful", false, 2), None);
    }
}
