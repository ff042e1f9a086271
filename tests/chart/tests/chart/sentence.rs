//! The sentences of a refusal.

/// Returns the sentences that helm printed in `refusal`, without the leading dash.
pub fn sentences(refusal: &str) -> Vec<&str> {
    refusal.lines().filter_map(|line| line.strip_prefix("- ")).collect()
}
