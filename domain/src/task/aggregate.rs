//! Folding node tasks into one status, one error, one pair of times.
