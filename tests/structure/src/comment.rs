//! The comments of a source file.

/// A run of doc comment lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocComment {
    /// Number of its first line, from 1.
    pub line: usize,
    /// Its text, line by line, without the slashes.
    pub text: Vec<String>,
}

impl DocComment {
    /// Returns its first word, without punctuation.
    pub fn first_word(&self) -> &str {
        let first = self.text.first().map_or("", String::as_str);
        let word = first.split_whitespace().next().unwrap_or_default();
        word.trim_matches(|letter: char| !letter.is_alphanumeric())
    }
}

/// Returns the doc comments of `source`, in order.
pub fn doc_comments(source: &str) -> Vec<DocComment> {
    let mut comments: Vec<DocComment> = Vec::new();
    let mut is_open = false;
    for (index, line) in source.lines().enumerate() {
        let Some(text) = doc_text(line) else {
            is_open = false;
            continue;
        };
        match comments.last_mut().filter(|_| is_open) {
            Some(comment) => comment.text.push(text.to_owned()),
            None => comments.push(DocComment { line: index + 1, text: vec![text.to_owned()] }),
        }
        is_open = true;
    }
    comments
}

/// Returns the lines of `source` that are comments, each with its number from 1.
pub fn comment_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = source.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| line.trim_start().starts_with("//"))
}

fn doc_text(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    // Four slashes make an ordinary comment.
    (!text.starts_with('/')).then(|| text.strip_prefix(' ').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doc_comments_are_runs_of_lines() {
        let source = "//! Names.\n\n/// Returns\n/// a name.\nfn name() {}\n// no doc\n//// neither\n    /// `Id`s, all.\n";
        let found = doc_comments(source);
        let lines: Vec<usize> = found.iter().map(|comment| comment.line).collect();
        assert_eq!(lines, [1, 3, 8]);
        assert_eq!(found[1].text, ["Returns", "a name."]);
        assert_eq!(found[2].first_word(), "Id`s");
        assert_eq!(found[0].first_word(), "Names");
    }

    #[test]
    fn comment_lines_are_numbered_from_one() {
        let found: Vec<_> = comment_lines("x\n  // y\n/// z\n").collect();
        assert_eq!(found, [(2, "  // y"), (3, "/// z")]);
    }
}
