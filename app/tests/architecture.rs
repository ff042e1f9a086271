//! The dependency rule: dependencies point inward only.
//!
//! The tests read `cargo metadata`, which describes the actual build. Dependencies of tests are exempt.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, NodeDep, PackageId};

/// Crates that domain and ports must not depend on, even indirectly: runtimes, servers, databases and
/// randomness.
const NOT_IN_THE_DOMAIN: [&str; 10] =
    ["tokio", "warp", "hyper", "rusqlite", "r2d2", "redis", "reqwest", "rand", "getrandom", "mio"];

/// Crates that `miroir-core` must not depend on: servers, databases, clients and randomness. A runtime is
/// allowed.
const NOT_IN_THE_CORE: [&str; 9] =
    ["warp", "hyper", "rusqlite", "r2d2", "redis", "reqwest", "prometheus", "rand", "clap"];

/// Crates that the command-line client must not depend on: those of a server.
const NOT_IN_THE_CLIENT: [&str; 6] = ["warp", "rusqlite", "r2d2", "redis", "prometheus", "async-nats"];

/// Crates that may depend on adapters: the composition root, and crates that contain only tests.
const MAY_SEE_ADAPTERS: [&str; 6] = [
    "miroir",
    "miroir-conformance",
    "miroir-e2e",
    "miroir-bench",
    "miroir-test-chaos",
    "miroir-test-simulation",
];

struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    fn read() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let mut command = MetadataCommand::new();
        // For one platform only, so that no dependencies of other platforms are downloaded.
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

    /// Returns the direct dependencies of each package when it is built for use.
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

    /// Returns the crates of this workspace that `member` names.
    fn siblings(&self, member: &str) -> BTreeSet<&str> {
        let own: BTreeSet<&str> = self.members().into_iter().collect();
        let (id, edges) = self.locate(member);
        edges[id].iter().map(|id| self.name(id)).filter(|name| own.contains(name)).collect()
    }

    /// Returns all direct and indirect dependencies of `member`.
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

/// Fails if a crate in `found` is not in `allowed`.
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
fn core_depends_on_ports_and_domain_alone() {
    only("miroir-core", &Workspace::read().siblings("miroir-core"), &["miroir-ports", "miroir-domain"]);
}

#[test]
fn client_depends_on_domain_alone() {
    only("miroir-client", &Workspace::read().siblings("miroir-client"), &["miroir-domain"]);
}

/// Fails if `member` reaches one of `forbidden`.
fn reaches_none_of(member: &str, forbidden: &[&str]) {
    let workspace = Workspace::read();
    let reach = workspace.reach(member);
    assert!(reach.contains("serde"), "{member} should reach serde, else this test reads the graph wrongly");
    let found: Vec<&&str> = forbidden.iter().filter(|name| reach.contains(*name)).collect();
    assert!(found.is_empty(), "{member} reaches {found:?}, which belong in an adapter");
}

#[test]
fn domain_and_ports_do_not_reach_runtimes_servers_or_databases() {
    reaches_none_of("miroir-domain", &NOT_IN_THE_DOMAIN);
    reaches_none_of("miroir-ports", &NOT_IN_THE_DOMAIN);
}

#[test]
fn core_does_not_reach_servers_databases_or_clients() {
    reaches_none_of("miroir-core", &NOT_IN_THE_CORE);
}

#[test]
fn client_does_not_reach_crates_of_a_server() {
    reaches_none_of("miroir-client", &NOT_IN_THE_CLIENT);
}

#[test]
fn every_adapter_depends_on_ports_and_domain_alone() {
    let workspace = Workspace::read();
    let adapters = workspace.adapters();
    assert!(adapters.contains("miroir-http") && adapters.len() >= 10, "adapters found: {adapters:?}");
    for adapter in adapters {
        only(adapter, &workspace.siblings(adapter), &["miroir-ports", "miroir-domain"]);
    }
}

#[test]
fn only_the_composition_root_and_test_crates_see_adapters() {
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
    assert!(workspace.siblings("miroir").contains("miroir-http"), "the composition root wires the adapters");
}
