//! The arrows between the files of a crate: a file points at the files that define what it names.
//!
//! A name is followed through re-exports to where it is defined. Declaring a module is no arrow, and
//! neither is naming a module without anything of it.

use std::collections::BTreeSet;

use crate::cycle::Graph;
use crate::module::{Crate, ModulePath};

/// The maximum number of re-exports through which a name is followed, so that a circle of them ends.
const MAX_STEPS: usize = 32;

impl Crate {
    /// Returns the arrows between files.
    pub fn file_graph(&self) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in self.arrows() {
            graph.add(&self.modules[&from].file, &self.modules[&to].file);
        }
        graph
    }

    /// Returns the arrows between sibling modules, each standing for everything below it.
    pub fn sibling_graph(&self) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in self.arrows() {
            let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            // An arrow between a module and one of its own ancestors has no siblings.
            if from.len() > common && to.len() > common {
                graph.add(&from[..=common].join("::"), &to[..=common].join("::"));
            }
        }
        graph
    }

    /// Returns every arrow between two different modules.
    fn arrows(&self) -> BTreeSet<(ModulePath, ModulePath)> {
        let mut arrows = BTreeSet::new();
        for (from, module) in &self.modules {
            let globs = module.globs.iter().filter_map(|path| self.resolve_module(from, path, 0));
            let named = module.imports.values().chain(&module.references);
            let targets = named.filter_map(|path| self.resolve(from, path, 0));
            arrows.extend(targets.chain(globs).filter(|to| to != from).map(|to| (from.clone(), to)));
        }
        arrows
    }

    /// Returns the module that defines the item which `path` names in the module `from`. Returns `None` if
    /// the item is of another crate, or if the path names a module.
    fn resolve(&self, from: &[String], path: &[String], steps: usize) -> Option<ModulePath> {
        if steps > MAX_STEPS {
            return None;
        }
        let (mut at, mut rest) = self.start(from, path, steps)?;
        while let Some((name, after)) = rest.split_first() {
            let module = self.modules.get(&at)?;
            if module.children.contains(name) {
                at.push(name.clone());
                rest = after;
                continue;
            }
            if module.items.contains(name) {
                return Some(at);
            }
            if let Some(import) = module.imports.get(name) {
                let whole: Vec<String> = import.iter().chain(after).cloned().collect();
                return self.resolve(&at, &whole, steps + 1);
            }
            let globs = module.globs.iter().filter_map(|glob| self.resolve_module(&at, glob, steps + 1));
            let mut candidates = globs.filter(|glob| *glob != at);
            return candidates.find_map(|glob| {
                let absolute: Vec<String> =
                    std::iter::once("crate".to_owned()).chain(glob).chain(rest.iter().cloned()).collect();
                self.resolve(&at, &absolute, steps + 1)
            });
        }
        None
    }

    /// Returns the module that `path` names in the module `from`.
    fn resolve_module(&self, from: &[String], path: &[String], steps: usize) -> Option<ModulePath> {
        if steps > MAX_STEPS {
            return None;
        }
        let (mut at, rest) = self.start(from, path, steps)?;
        for name in rest {
            if !self.modules.get(&at)?.children.contains(name) {
                return None;
            }
            at.push(name.clone());
        }
        Some(at)
    }

    /// Returns the module in which `path` begins, and what of the path is left.
    fn start<'a>(
        &self,
        from: &[String],
        path: &'a [String],
        steps: usize,
    ) -> Option<(ModulePath, &'a [String])> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => ModulePath::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            name => {
                let module = self.modules.get(from)?;
                if module.children.contains(name) || module.items.contains(name) {
                    return Some((from.to_vec(), path));
                }
                // A module that was imported by name; an imported item is an arrow of its own already.
                let import = module.imports.get(name)?;
                return Some((self.resolve_module(from, import, steps + 1)?, rest));
            }
        };
        while let Some((name, after)) = rest.split_first().filter(|(name, _)| *name == "super") {
            debug_assert_eq!(name, "super");
            at.pop();
            rest = after;
        }
        Some((at, rest))
    }
}
