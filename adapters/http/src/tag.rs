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
            Self::Cluster => "Whether Miroir is there, ready, and what it is made of.",
            Self::Indexes => "Indexes, and how large they are.",
            Self::Documents => "Documents, written, read and deleted.",
            Self::Settings => "Settings, whole and one by one.",
            Self::Search => "Searches.",
            Self::Tasks => "What became of writes.",
            Self::Aliases => "Names that stand for indexes.",
            Self::Canaries => "Stored searches with assertions, run on a schedule.",
            Self::Changes => "What writes changed, and who is told.",
            Self::Instances => "The instances that work side by side on one store.",
            Self::Jobs => "Long work in pieces.",
            Self::Unsupported => "What a Meilisearch server does and a cluster does not do yet.",
        }
    }
}
