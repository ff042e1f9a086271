//! `docs/cli.md` and the command line agree.

use std::collections::BTreeSet;

use clap::Command;

const PAGE: &str = include_str!("../../docs/cli.md");

/// Collects every command without subcommands, with all of its words and options.
fn leaves(command: &Command, words: &str, leaves: &mut Vec<(String, BTreeSet<String>)>) {
    let below: Vec<&Command> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() {
        let options = command.get_arguments().filter_map(|argument| argument.get_long());
        let own = options.filter(|option| !["help", "version"].contains(option));
        leaves.push((words.to_owned(), own.map(|option| format!("--{option}")).collect()));
    }
    for command in below {
        self::leaves(command, &format!("{words} {}", command.get_name()), leaves);
    }
}

fn program() -> Vec<(String, BTreeSet<String>)> {
    let mut command = miroir::cli::command();
    // Building adds the options of a group to its commands.
    command.build();
    let mut all = Vec::new();
    leaves(&command, "miroir", &mut all);
    assert!(all.len() > 35, "{all:?}");
    all
}

/// Returns the text of the page from every `miroir ` on.
fn mentions() -> impl Iterator<Item = &'static str> {
    PAGE.match_indices("miroir ").map(|(position, _)| &PAGE[position..])
}

#[test]
fn page_lists_every_command_and_option() {
    for (command, options) in program() {
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-');
        let mentioned = mentions().any(|text| text.strip_prefix(command.as_str()).is_some_and(ends));
        assert!(mentioned, "docs/cli.md has no `{command}`");
        for option in options.iter().filter(|option| !is_in_another_page(&command, option)) {
            assert!(PAGE.contains(&format!("`{option}")), "docs/cli.md has no `{option}` of `{command}`");
        }
    }
}

/// Returns whether another page documents the option.
fn is_in_another_page(command: &str, option: &str) -> bool {
    command == "miroir config schema" && option == "--markdown"
        || command == "miroir dev"
        || command == "miroir demo"
}

#[test]
fn page_names_only_existing_commands() {
    let known: BTreeSet<String> = program().into_iter().map(|(command, _)| command).collect();
    for text in mentions().filter(|text| !text.starts_with("miroir --help")) {
        let is_word = |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase());
        // The words of a command end with its arguments, the code or the sentence.
        let end = text.find(['`', '\n', '|', '.', ';', ',', '>', '"']).unwrap_or(text.len());
        let words: Vec<&str> = text[..end].split(' ').take_while(is_word).collect();
        let found = (1..=words.len()).any(|count| known.contains(&words[..count].join(" ")));
        assert!(found, "docs/cli.md has `{}`, which is not a command", words.join(" "));
    }
}

#[test]
fn page_names_only_existing_options() {
    let known: BTreeSet<String> = program().into_iter().flat_map(|(_, options)| options).collect();
    for (position, _) in PAGE.match_indices("`--") {
        let option: String = PAGE[position + 1..]
            .chars()
            .take_while(|next| next.is_ascii_lowercase() || *next == '-')
            .collect();
        assert!(
            option == "--help" || known.contains(&option),
            "docs/cli.md has `{option}`, which is not an option"
        );
    }
}
