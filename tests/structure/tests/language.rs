//! The language of code and documentation: first words of doc comments, width of comments, former words.

use miroir_test_structure::comment::{comment_lines, doc_comments};
use miroir_test_structure::tree;

/// The first words of a clause without a subject.
const HEADLESS: [&str; 4] = ["What", "How", "Whether", "Who"];
/// The share of doc comments that may begin with such a word, in percent.
const MAX_HEADLESS_PERCENT: usize = 3;
/// The maximum width of a line of comment, in columns.
const MAX_COLUMNS: usize = 110;
/// The list of former words, with the terms that replaced them.
const FORMER_WORDS: &str = "tests/structure/former_words.txt";
/// The extensions of the files in which former words are searched.
const EXTENSIONS: [&str; 11] =
    ["rs", "md", "json", "yaml", "yml", "tpl", "txt", "sql", "lua", "toml", "html"];
/// The files that may contain former words: the list itself, the changelog, and titles of films.
const EXEMPT: [&str; 3] = [FORMER_WORDS, "CHANGELOG.md", "app/data/films.json"];

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    let mut total = 0;
    let mut found = Vec::new();
    for (path, text) in tree::sources() {
        for comment in doc_comments(&text) {
            total += 1;
            if HEADLESS.contains(&comment.first_word()) {
                found.push(format!("{path}:{}: {}", comment.line, comment.text[0]));
            }
        }
    }
    assert!(total > 3_000, "only {total} doc comments were read");
    assert!(
        found.len() * 100 < total * MAX_HEADLESS_PERCENT,
        "{} of {total} doc comments begin with one of {HEADLESS:?}:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn comments_are_at_most_110_columns_wide() {
    let mut found = Vec::new();
    for (path, text) in tree::sources() {
        let wide = comment_lines(&text).filter(|(_, line)| line.chars().count() > MAX_COLUMNS);
        found.extend(wide.map(|(number, line)| format!("{path}:{number}: {}", line.trim())));
    }
    assert!(found.is_empty(), "{} lines of comment are too wide:\n{}", found.len(), found.join("\n"));
}

#[test]
fn former_words_are_gone() {
    let words = former_words();
    assert!(words.len() > 20, "only {} former words were read", words.len());
    let mut found = Vec::new();
    for path in tree::files("").into_iter().filter(|path| is_searched(path)) {
        for (index, line) in tree::read(&path).lines().enumerate() {
            let lower = line.to_lowercase();
            for (word, term) in words.iter().filter(|(word, _)| has_word(&lower, word)) {
                found.push(format!("{path}:{}: `{word}`, say `{term}`", index + 1));
            }
        }
    }
    assert!(found.is_empty(), "{} former words are used:\n{}", found.len(), found.join("\n"));
}

#[test]
fn words_are_found_as_wholes_only() {
    assert!(has_word("the mender waits", "mender"));
    assert!(has_word("`get /_miroir/lacks`", "/_miroir/lacks"));
    assert!(has_word("mender", "mender"));
    assert!(!has_word("commended", "mended"));
    assert!(!has_word("mended_at", "mended"));
    assert!(has_word("recommended or mended", "mended"));
}

/// Returns the former words in lower case, each with its term.
fn former_words() -> Vec<(String, String)> {
    let list = tree::read(FORMER_WORDS);
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (word, term) = line.split_once(" -> ").unwrap_or_else(|| panic!("no arrow in `{line}`"));
            (word.to_lowercase(), term.to_owned())
        })
        .collect()
}

fn is_searched(path: &str) -> bool {
    let is_text = EXTENSIONS.iter().any(|extension| tree::has_extension(path, extension))
        || path.starts_with("scripts/")
        || path.ends_with("Makefile")
        || path.ends_with("Dockerfile");
    is_text && !EXEMPT.contains(&path) && path != "Cargo.lock" && path != "tests/structure/tests/language.rs"
}

/// Returns whether `line` has `word` with no letter, digit or underscore beside it.
fn has_word(line: &str, word: &str) -> bool {
    let is_part =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    line.match_indices(word).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + word.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}
