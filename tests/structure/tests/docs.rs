//! The documentation says what is true of the repository: its index, its links, its decisions, its module
//! tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use miroir_test_structure::tree;

/// The index of all pages.
const INDEX: &str = "docs/README.md";
/// The page with the module tables.
const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
/// The folder of the decisions.
const DECISIONS: &str = "docs/adr/";
/// The sections of a decision, in order.
const DECISION_SECTIONS: [&str; 4] = ["Status", "Context", "Decision", "Consequences"];
/// The maximum length of the README in words.
const MAX_README_WORDS: usize = 900;
/// The number of lines of the README that a reader sees first.
const FIRST_SCREEN_LINES: usize = 40;

/// Returns the paths of the pages whose links are checked.
fn pages() -> Vec<String> {
    let roots = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned);
    let below = tree::files("docs").into_iter().filter(|path| tree::has_extension(path, "md"));
    roots.into_iter().chain(below).collect()
}

/// Returns the lines of `text` outside blocks of code.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
        .collect()
}

/// Returns `text` without its inline code.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

/// Returns the targets of all links and images of a page.
fn links(text: &str) -> Vec<String> {
    let lines = without_code(&prose(text).join("\n"));
    [("](", ')'), ("src=\"", '"'), ("href=\"", '"')]
        .into_iter()
        .flat_map(|(opening, closing)| enclosed(&lines, opening, closing))
        .collect()
}

/// Returns every part of `text` that is between `opening` and the next `closing`.
fn enclosed<'a>(text: &'a str, opening: &'static str, closing: char) -> impl Iterator<Item = String> + 'a {
    text.match_indices(opening).filter_map(move |(position, _)| {
        let rest = &text[position + opening.len()..];
        Some(rest[..rest.find(closing)?].to_owned())
    })
}

/// Returns the anchors of a page: one for each heading, as GitHub forms them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).into_iter().filter_map(|line| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' '))?
    });
    let mut anchors = BTreeSet::new();
    for heading in headings {
        let kept =
            heading.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        let slug: String = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let count = counts.entry(slug.clone()).or_default();
        anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    anchors
}

/// Returns the path from the root of the repository to `target`, a link on the page `page`.
fn resolved(page: &str, target: &str) -> String {
    let mut path = PathBuf::new();
    for part in Path::new(page).parent().unwrap().join(target).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{page}: `{target}` leaves the repository"),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path.to_string_lossy().into_owned()
}

/// Returns what is wrong with `link` on the page `page`, if anything is.
fn fault(page: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (target, anchor) =
        link.split_once('#').map_or((link, None), |(target, anchor)| (target, Some(anchor)));
    let path = if target.is_empty() { page.to_owned() } else { resolved(page, target) };
    if !tree::root().join(&path).exists() {
        return Some(format!("{page}: `{link}` leads to no file"));
    }
    let anchor = anchor?;
    if anchors(&tree::read(&path)).contains(anchor) {
        return None;
    }
    Some(format!("{page}: `{link}` leads to no heading"))
}

#[test]
fn links_and_anchors_are_found_outside_code_alone() {
    let page = "# A `b` page\n[x](y.md#z) `[no](link)`\n```\n# not\n[no](link)\n```\n<img src=\"i.svg\">\n# A b page\n";
    assert_eq!(links(page), ["y.md#z", "i.svg"]);
    assert_eq!(anchors(page), ["a-b-page", "a-b-page-1"].map(str::to_owned).into());
}

#[test]
fn relative_links_and_anchors_lead_somewhere() {
    let pages = pages();
    let mut count = 0;
    let mut faults = Vec::new();
    for page in &pages {
        let links = links(&tree::read(page));
        count += links.len();
        faults.extend(links.iter().filter_map(|link| fault(page, link)));
    }
    assert!(pages.len() > 30 && count > 100, "{} pages with {count} links", pages.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn index_links_every_page_once() {
    let mut linked: Vec<String> =
        links(&tree::read(INDEX)).iter().filter(|link| !link.contains("../")).cloned().collect();
    linked.sort();
    let mut expected: Vec<String> = tree::files("docs")
        .into_iter()
        .filter(|path| path != INDEX && !path.starts_with("docs/images/"))
        .map(|path| path.strip_prefix("docs/").unwrap().to_owned())
        .collect();
    expected.sort();
    assert_eq!(linked, expected, "links of {INDEX} (left) and files in docs (right)");
}

#[test]
fn decisions_are_numbered_without_gaps_and_have_one_format() {
    let decisions: Vec<String> =
        tree::files("docs").into_iter().filter(|path| path.starts_with(DECISIONS)).collect();
    assert!(decisions.len() >= 15, "{decisions:?}");
    for (number, path) in (1..).zip(&decisions) {
        let text = tree::read(path);
        let number = format!("{number:04}");
        assert!(path.starts_with(&format!("{DECISIONS}{number}-")), "{path}: expected the number {number}");
        let title = text.lines().next().unwrap();
        assert!(
            title.strip_prefix(&format!("# {number}. ")).is_some_and(|title| !title.is_empty()),
            "{path}: {title}"
        );
        let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, DECISION_SECTIONS, "{path}");
        let status = text.split("## Status\n\n").nth(1).unwrap();
        let is_known = ["Accepted.", "Superseded by "].iter().any(|known| status.starts_with(known));
        assert!(is_known, "{path}: the status is {}", status.lines().next().unwrap());
    }
}

#[test]
fn readme_is_short_and_shows_the_application_on_the_first_screen() {
    let text = tree::read("README.md");
    let words = text.split_whitespace().count();
    assert!(words <= MAX_README_WORDS, "{words} words");
    let line = text.lines().position(|line| line == "## Point your application at it");
    assert!(line.is_some_and(|line| line < FIRST_SCREEN_LINES), "the section begins at line {line:?}");
}

/// Returns the modules that the tables of the architecture list, by the folder of their crate: the names in
/// the first cells of the rows below a heading that ends with the folder.
fn listed_modules() -> BTreeMap<String, Vec<String>> {
    let page = tree::read(ARCHITECTURE);
    let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folder: Option<String> = None;
    for line in page.lines() {
        if line.starts_with('#') {
            folder = line.strip_prefix("#### `").and_then(|rest| Some(rest.split_once('`')?.0.to_owned()));
        } else if let (Some(folder), Some(row)) = (&folder, line.strip_prefix("| `")) {
            let (names, _) = row.split_once(" |").unwrap_or_else(|| panic!("a row of two cells: {line}"));
            let names = names.split(", ").map(|name| name.trim_matches('`').to_owned());
            listed.entry(folder.clone()).or_default().extend(names);
        }
    }
    listed
}

/// Returns the modules that the library in `folder` defines, in order. Test modules are left out.
fn defined_modules(folder: &str) -> Vec<String> {
    let path = format!("{folder}/src/lib.rs");
    let parsed = syn::parse_file(&tree::read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut names: Vec<String> = parsed
        .items
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) if !module.attrs.iter().any(is_test) => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    names.sort();
    names
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

#[test]
fn module_tables_list_the_modules_of_every_crate() {
    let listed = listed_modules();
    let crates: Vec<String> =
        tree::crates().into_iter().filter(|folder| !folder.starts_with("tests/")).collect();
    for folder in &crates {
        let mut names = listed.get(folder).cloned().unwrap_or_default();
        names.sort();
        assert_eq!(
            names,
            defined_modules(folder),
            "{folder}: the table in {ARCHITECTURE} (left) and the crate (right)"
        );
    }
    let unknown: Vec<&String> = listed.keys().filter(|folder| !crates.contains(folder)).collect();
    assert!(unknown.is_empty(), "{ARCHITECTURE} has tables of {unknown:?}");
}
