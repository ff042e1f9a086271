//! Invalid files and variables.

use std::fmt::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use miroir::config::{MAX_FILE_BYTES, Sources};

use super::support::{environment, problems, problems_of};

fn only(found: Vec<String>) -> String {
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

#[test]
fn load_names_the_position_of_invalid_yaml() {
    for content in
        ["a: [", "a: b: c", "\t- x", "a: 'open", "{", "&a *a", "server: {}\nserver: {}", "a: 1\n---\nb: 2"]
    {
        let problem = only(problems_of(content));
        assert!(
            problem.starts_with("the configuration file FILE: is not valid YAML"),
            "{content:?}: {problem}"
        );
    }
    assert!(only(problems_of("log:\n  level: 'open")).contains("line"));
}

#[test]
fn load_refuses_documents_other_than_mappings() {
    for content in ["5", "text", "[1, 2]", "true"] {
        let problem = only(problems_of(content));
        assert!(problem.contains("must contain keys and values"), "{content:?}: {problem}");
    }
    let tagged = only(problems_of("auth: { master_key: !secret x }"));
    assert!(tagged.contains("YAML tag") && !tagged.contains("secret"), "{tagged}");
    assert!(only(problems_of("? [a]\n: b")).contains("a key that is not text"));
}

#[test]
fn load_refuses_files_that_are_too_large() {
    let huge = "#".repeat(usize::try_from(MAX_FILE_BYTES).unwrap() + 1);
    assert!(only(problems_of(huge)).contains("is larger than 1048576 bytes"));
    let endless = Sources { file: Some(PathBuf::from("/dev/zero")), ..environment(&[]) };
    assert!(only(problems(endless)).contains("is larger than 1048576 bytes"));
}

#[test]
fn load_refuses_binary_files() {
    assert!(only(problems_of(b"log:\0 {}")).contains("byte 4 is NUL"));
    assert!(only(problems_of(b"log: \xff\xfe")).contains("byte 5 is not valid UTF-8"));
    assert!(only(problems_of(b"\x7fELF\x02\x01\x01\x00")).contains("is not text"));
}

#[test]
fn load_refuses_excessive_nesting_and_aliases() {
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(only(problems_of(deep)).contains("line 1 nests brackets beyond 64 levels"));
    let blocks = format!("a:\n {}x", "- ".repeat(100_000));
    assert!(only(problems_of(blocks)).contains("is not valid YAML"));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    assert!(only(problems_of(bomb)).contains("is not valid YAML"));
}

#[test]
fn load_names_a_file_that_is_missing_or_a_directory() {
    let missing = Sources { file: Some(PathBuf::from("/nonexistent/m.yaml")), ..environment(&[]) };
    assert_eq!(only(problems(missing)), "the configuration file /nonexistent/m.yaml: does not exist");
    let folder = tempfile::tempdir().unwrap();
    let directory = Sources { file: Some(folder.path().to_owned()), ..environment(&[]) };
    assert!(only(problems(directory)).ends_with("is a directory: name a YAML file"));
}

#[test]
fn load_refuses_variables_that_are_not_unicode() {
    let bad = || std::ffi::OsString::from_vec(vec![b'a', 0xff]);
    let value = Sources { environment: vec![("MIROIR_LOG__LEVEL".into(), bad())], ..environment(&[]) };
    assert_eq!(
        only(problems(value)),
        "`log.level` (from the environment variable MIROIR_LOG__LEVEL): is not valid UTF-8"
    );
    let mut name = std::ffi::OsString::from("MIROIR_");
    name.push(bad());
    let name = Sources { environment: vec![(name, "1".into())], ..environment(&[]) };
    assert!(only(problems(name)).contains("unknown setting"));
    let others = Sources { environment: vec![("OTHER".into(), bad()), (bad(), bad())], ..environment(&[]) };
    assert!(miroir::config::load(others).is_ok());
}

#[test]
fn load_truncates_and_escapes_repeated_values() {
    let long = "k".repeat(10_000);
    let problem = only(problems_of(format!("{long}: 1")));
    assert!(problem.len() < 400, "{} bytes", problem.len());
    let control = only(problems_of("log: {format: \"\\e[31mred\"}"));
    assert!(!control.contains('\u{1b}'), "{control:?}");
    let list = only(problems(environment(&[("MIROIR_NODES", "[{")])));
    assert!(
        list.contains("`nodes` (from the environment variable MIROIR_NODES): is not valid YAML"),
        "{list}"
    );
}
