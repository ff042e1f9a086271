//! The dependency rule: arrows point inward only.
//!
//! Read from `cargo metadata`, so that what is judged is what is built. Dependencies of tests are exempt: a test may
//! know what it needs.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, NodeDep, PackageId};

/// What no crate of the core may reach, however far down: whatever waits, listens, stores or rolls dice.
const NOT_IN_THE_CORE: [&str; 10] =
    ["tokio", "warp", "hyper", "rusqlite", "r2d2", "redis", "reqwest", "rand", "getrandom", "mio"];

/// The crates that see adapters: the program that wires them, and crates that are tests as a whole.
const MAY_SEE_ADAPTERS: [&str; 4] = ["miroir", "miroir-conformance", "miroir-e2e", "miroir-bench"];

struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    fn read() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let mut command = MetadataCommand::new();
        // One platform, so that nothing has to be downloaded that a build on Linux does not need.
        let options = ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned);
        command.manifest_path(manifest).other_options(options);
        Self { metadata: command.exec().expect("cargo metadata") }
    }

    fn members(&self) -> Vec<&str> {
        self.metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect()
    }

    fn adapters(&self) -> BTreeSet<&str> {
        let below = |path: &str| path.replace('\\', "/").contains("/adapters/");
        let packages = self.metadata.workspace_packages();
        packages
            .into_iter()
            .filter(|package| below(package.manifest_path.as_str()))
            .map(|package| package.name.as_str())
            .collect()
    }

    /// What each package depends on when it is built for use, directly.
    fn edges(&self) -> BTreeMap<&PackageId, Vec<&PackageId>> {
        let resolve = self.metadata.resolve.as_ref().expect("a resolved graph");
        let for_use = |edge: &&NodeDep| edge.dep_kinds.iter().any(|info| info.kind == DependencyKind::Normal);
        let mut edges = BTreeMap::new();
        for node in &resolve.nodes {
            edges.insert(&node.id, node.deps.iter().filter(for_use).map(|edge| &edge.pkg).collect());
        }
        edges
    }

    fn name(&self, id: &PackageId) -> &str {
        self.metadata[id].name.as_str()
    }

    /// The crates of this workspace that `member` names.
    fn siblings(&self, member: &str) -> BTreeSet<&str> {
        let own: BTreeSet<&str> = self.members().into_iter().collect();
        let (id, edges) = self.locate(member);
        edges[id].iter().map(|id| self.name(id)).filter(|name| own.contains(name)).collect()
    }

    /// Everything `member` is built from, however far down.
    fn reach(&self, member: &str) -> BTreeSet<&str> {
        let (id, edges) = self.locate(member);
        let mut seen = BTreeSet::new();
        let mut ahead = vec![id];
        while let Some(id) = ahead.pop() {
            if seen.insert(id) {
                ahead.extend(&edges[id]);
            }
        }
        seen.remove(id);
        seen.into_iter().map(|id| self.name(id)).collect()
    }

    fn locate(&self, member: &str) -> (&PackageId, BTreeMap<&PackageId, Vec<&PackageId>>) {
        let package = self.metadata.packages.iter().find(|package| package.name == member);
        let package = package.unwrap_or_else(|| panic!("no crate {member} in the workspace"));
        (&package.id, self.edges())
    }
}

/// Fails with the names of the crates in `found` that are not in `allowed`.
fn only(crate_name: &str, found: &BTreeSet<&str>, allowed: &[&str]) {
    let excess: Vec<&&str> = found.iter().filter(|name| !allowed.contains(*name)).collect();
    assert!(
        excess.is_empty(),
        "{crate_name} may depend on {allowed:?} of this workspace, but also sees {excess:?}"
    );
}

#[test]
fn domain_depends_on_no_other_crate_of_the_workspace() {
    only("miroir-domain", &Workspace::read().siblings("miroir-domain"), &[]);
}

#[test]
fn ports_depends_on_domain_alone() {
    only("miroir-ports", &Workspace::read().siblings("miroir-ports"), &["miroir-domain"]);
}

#[test]
fn domain_and_ports_reach_nothing_that_waits_listens_or_stores() {
    let workspace = Workspace::read();
    for core in ["miroir-domain", "miroir-ports"] {
        let reach = workspace.reach(core);
        assert!(reach.contains("serde"), "{core} should reach serde, else this test reads the graph wrongly");
        let forbidden: Vec<&str> = NOT_IN_THE_CORE.into_iter().filter(|name| reach.contains(name)).collect();
        assert!(
            forbidden.is_empty(),
            "{core} reaches {forbidden:?}: what waits, listens or stores is an adapter's"
        );
    }
}

#[test]
fn every_adapter_depends_on_ports_and_domain_alone() {
    let workspace = Workspace::read();
    let adapters = workspace.adapters();
    assert!(adapters.contains("miroir-http") && adapters.len() >= 6, "adapters found: {adapters:?}");
    for adapter in adapters {
        only(adapter, &workspace.siblings(adapter), &["miroir-ports", "miroir-domain"]);
    }
}

#[test]
fn only_the_program_and_test_crates_see_adapters() {
    let workspace = Workspace::read();
    let adapters = workspace.adapters();
    for member in workspace.members() {
        let seen: Vec<&str> =
            workspace.siblings(member).into_iter().filter(|name| adapters.contains(name)).collect();
        assert!(
            seen.is_empty() || MAY_SEE_ADAPTERS.contains(&member),
            "{member} sees the adapters {seen:?}, which only {MAY_SEE_ADAPTERS:?} may"
        );
    }
    assert!(workspace.siblings("miroir").contains("miroir-http"), "the program wires the adapters");
}
