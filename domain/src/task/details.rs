//! Folding the `details` of node tasks into what a single server would report.
