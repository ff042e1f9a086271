//! Random rows, queries and histories.
