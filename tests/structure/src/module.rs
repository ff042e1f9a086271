//! The modules of a crate, with the names that each defines and imports. Test modules are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree};

use crate::tree;

/// The path of a module from the root of its crate, as segments. The root is empty.
pub type ModulePath = Vec<String>;

/// One module.
#[derive(Debug, Default)]
pub struct Module {
    /// The file that it stands in, from the root of the repository.
    pub file: String,
    /// Names of its child modules.
    pub children: BTreeSet<String>,
    /// Names of the items that it defines.
    pub items: BTreeSet<String>,
    /// Imported names, each with the path it stands for.
    pub imports: BTreeMap<String, Vec<String>>,
    /// Paths whose names are all imported.
    pub globs: Vec<Vec<String>>,
    /// Paths of two segments or more that its code names.
    pub references: BTreeSet<Vec<String>>,
}

/// The modules of one crate.
#[derive(Debug, Default)]
pub struct Crate {
    /// Each module by its path.
    pub modules: BTreeMap<ModulePath, Module>,
}

impl Crate {
    /// Reads the crate in `folder`, with everything below `src/lib.rs`, or below `src/main.rs` where it has
    /// no library.
    ///
    /// # Panics
    ///
    /// Panics when a source cannot be read or is not Rust.
    pub fn read(folder: &str) -> Self {
        let library = format!("{folder}/src/lib.rs");
        let entry =
            if tree::root().join(&library).is_file() { library } else { format!("{folder}/src/main.rs") };
        let mut found = Self::default();
        found.read_file(&entry, ModulePath::new(), Path::new(&format!("{folder}/src")));
        found
    }

    /// Reads the module at `path` from `file`; files of its children are below `below`.
    fn read_file(&mut self, file: &str, path: ModulePath, below: &Path) {
        let text = tree::read(file);
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.read_items(parsed.items, file, path, below);
    }

    fn read_items(&mut self, items: Vec<Item>, file: &str, path: ModulePath, below: &Path) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    module.children.insert(child.ident.to_string());
                    self.read_child(child, file, &path, below);
                }
                Item::Use(item) => add_imports(&mut module, &item.tree, Vec::new()),
                other => {
                    module.items.extend(name(&other));
                    References(&mut module.references).visit_item(&other);
                }
            }
        }
        self.modules.insert(path, module);
    }

    fn read_child(&mut self, child: ItemMod, file: &str, parent: &[String], below: &Path) {
        let name = child.ident.to_string();
        let path: ModulePath = parent.iter().cloned().chain([name.clone()]).collect();
        let inside = below.join(&name);
        if let Some((_, items)) = child.content {
            self.read_items(items, file, path, &inside);
            return;
        }
        let candidates: [PathBuf; 2] = [below.join(format!("{name}.rs")), inside.join("mod.rs")];
        let found = candidates.iter().find(|candidate| tree::root().join(candidate).is_file());
        let found = found.unwrap_or_else(|| panic!("{file}: module `{name}` has no file"));
        self.read_file(&found.to_string_lossy(), path, &inside);
    }
}

fn add_imports(module: &mut Module, tree: &UseTree, mut path: Vec<String>) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            add_imports(module, &step.tree, path);
        }
        UseTree::Name(last) if last.ident == "self" => {
            if let Some(name) = path.last() {
                module.imports.insert(name.clone(), path);
            }
        }
        UseTree::Name(last) => {
            let name = last.ident.to_string();
            path.push(name.clone());
            module.imports.insert(name, path);
        }
        UseTree::Rename(last) => {
            // A name that is imported for its methods alone still makes an arrow.
            let name = if last.rename == "_" { format!("_{}", last.ident) } else { last.rename.to_string() };
            if last.ident != "self" {
                path.push(last.ident.to_string());
            }
            module.imports.insert(name, path);
        }
        UseTree::Glob(_) => module.globs.push(path),
        UseTree::Group(group) => {
            for tree in &group.items {
                add_imports(module, tree, path.clone());
            }
        }
    }
}

/// Collects paths of two segments or more.
struct References<'a>(&'a mut BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for References<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 && path.leading_colon.is_none() {
            self.0.insert(segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(in path)` and `pub(super)` name modules without using anything of them.
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        paths_in(call.tokens.clone(), self.0);
    }
}

/// Collects what looks like paths in the tokens of a macro's arguments.
fn paths_in(tokens: TokenStream, found: &mut BTreeSet<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    let mut end = |path: &mut Vec<String>| {
        if path.len() > 1 {
            found.insert(path.clone());
        }
        path.clear();
    };
    let mut groups = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    end(&mut path);
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            other => {
                end(&mut path);
                colons = 0;
                if let TokenTree::Group(group) = other {
                    groups.push(group.stream());
                }
            }
        }
    }
    end(&mut path);
    for group in groups {
        paths_in(group, found);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}
