//! The groups in which the OpenAPI document lists routes.

/// A group of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Cluster,
    Indexes,
    Documents,
    Settings,
    Search,
    Tasks,
    Aliases,
    Canaries,
    Changes,
    Instances,
    Jobs,
    Unsupported,
}

impl Tag {
    /// Every group, in the order of the document.
    pub(crate) const ALL: [Self; 12] = [
        Self::Cluster,
        Self::Indexes,
        Self::Documents,
        Self::Settings,
        Self::Search,
        Self::Tasks,
        Self::Aliases,
        Self::Canaries,
        Self::Changes,
        Self::Instances,
        Self::Jobs,
        Self::Unsupported,
    ];

    /// Returns the name in the document.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Indexes => "indexes",
            Self::Documents => "documents",
            Self::Settings => "settings",
            Self::Search => "search",
            Self::Tasks => "tasks",
            Self::Aliases => "aliases",
            Self::Canaries => "canaries",
            Self::Changes => "changes",
            Self::Instances => "instances",
            Self::Jobs => "jobs",
            Self::Unsupported => "unsupported",
        }
    }

    /// Returns the sentence about the group.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Cluster => "Health, readiness, version and structure of the cluster.",
            Self::Indexes => "Indexes and their statistics.",
            Self::Documents => "Writing, reading and deleting documents.",
            Self::Settings => "Settings, all together and one by one.",
            Self::Search => "Searches.",
            Self::Tasks => "Tasks, which track the outcome of writes.",
            Self::Aliases => "Aliases, which are names that refer to indexes.",
            Self::Canaries => "Canaries, which are stored searches with assertions that run on a schedule.",
            Self::Changes => "The feed of changes, and the sinks that changes are delivered to.",
            Self::Instances => "Instances of Miroir that share a store.",
            Self::Jobs => "Background jobs.",
            Self::Unsupported => "Routes of Meilisearch that are not supported for a cluster yet.",
        }
    }
}
