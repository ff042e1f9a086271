//! Part of the merge.
