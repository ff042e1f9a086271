//! Tables and lists of fields, aligned by the width of their text.

use crate::output::View;
use crate::text::{clean, shortened, width};

/// The gap between two columns.
const GAP: &str = "  ";
/// The maximum width of free text in a table. Lists of fields show the whole text.
const FREE_TEXT_COLUMNS: usize = 60;

/// The color of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A good state.
    Good,
    /// A temporary or slightly bad state.
    Neutral,
    /// A bad state.
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Neutral => "33",
            Self::Bad => "31",
        }
    }
}

/// The text of a cell, without control characters.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
    right: bool,
}

impl Cell {
    /// Makes a cell with any text.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), tone: None, right: false }
    }

    /// Makes a cell with text of any length, which is shortened.
    pub(crate) fn free(text: impl AsRef<str>) -> Self {
        let cell = Self::new(text);
        Self { text: shortened(&cell.text, FREE_TEXT_COLUMNS), ..cell }
    }

    /// Makes a cell with a number, aligned to the right.
    pub(crate) fn number(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::new(text) }
    }

    /// Makes a cell with a state, which is colored.
    pub(crate) fn status(text: impl AsRef<str>) -> Self {
        let cell = Self::new(text);
        let tone = match cell.text.as_str() {
            "succeeded" | "healthy" | "active" | "pass" | "ready" => Some(Tone::Good),
            "failed" | "canceled" | "fail" | "error" | "disabled" | "not ready" | "overdue" => {
                Some(Tone::Bad)
            }
            "-" | "" => None,
            _ => Some(Tone::Neutral),
        };
        Self { tone, ..cell }
    }

    /// Returns the text padded to `columns`, with color if the view has colors. Padding is computed without
    /// color codes.
    fn padded(&self, columns: usize, view: &View) -> String {
        let padding = " ".repeat(columns.saturating_sub(width(&self.text)));
        let text = match self.tone {
            Some(tone) if view.colors => format!("\u{1b}[{}m{}\u{1b}[0m", tone.code(), self.text),
            _ => self.text.clone(),
        };
        if self.right { format!("{padding}{text}") } else { format!("{text}{padding}") }
    }
}

/// Rows below a heading.
pub(crate) struct Table {
    heading: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Makes a table without rows.
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { heading: heading.iter().map(Cell::new).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the table without a line break at its end, or `empty` if it has no rows.
    pub(crate) fn render(mut self, view: &View, empty: &str) -> String {
        if self.rows.is_empty() {
            return empty.to_owned();
        }
        // A heading is aligned like the cells below it.
        for (column, heading) in self.heading.iter_mut().enumerate() {
            heading.right = self.rows.iter().all(|row| row.get(column).is_some_and(|cell| cell.right));
        }
        let columns: Vec<usize> = (0..self.heading.len()).map(|column| self.widest(column)).collect();
        let line = |row: &Vec<Cell>| {
            let cells: Vec<String> =
                row.iter().zip(&columns).map(|(cell, columns)| cell.padded(*columns, view)).collect();
            cells.join(GAP).trim_end().to_owned()
        };
        let lines: Vec<String> = std::iter::once(&self.heading).chain(&self.rows).map(line).collect();
        lines.join("\n")
    }

    fn widest(&self, column: usize) -> usize {
        let rows = std::iter::once(&self.heading).chain(&self.rows);
        rows.filter_map(|row| row.get(column)).map(|cell| width(&cell.text)).max().unwrap_or(0)
    }
}

/// Returns a line for each pair of name and value.
pub(crate) fn fields<'a>(pairs: impl IntoIterator<Item = (&'a str, Cell)>, view: &View) -> String {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let longest = pairs.iter().map(|(name, _)| width(name)).max().unwrap_or(0) + 1;
    let lines: Vec<String> = pairs
        .iter()
        .map(|(name, cell)| {
            let name = format!("{name}:");
            format!("{name:<longest$}{GAP}{}", Cell { right: false, ..cell.clone() }.padded(0, view))
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;

    use super::*;

    fn view(colors: bool) -> View {
        View { colors, now: Timestamp::from_millis(0) }
    }

    fn films() -> Table {
        let mut table = Table::new(&["NAME", "HITS", "STATUS"]);
        table.row([Cell::new("東京物語"), Cell::number("7"), Cell::status("pass")]);
        table.row([Cell::new("M"), Cell::number("1200"), Cell::status("fail")]);
        table
    }

    #[test]
    fn columns_are_aligned_by_visible_width() {
        let expected = "NAME      HITS  STATUS\n東京物語     7  pass\nM         1200  fail";
        assert_eq!(films().render(&view(false), "none"), expected);
        assert_eq!(Table::new(&["NAME"]).render(&view(false), "There are none."), "There are none.");
    }

    #[test]
    fn colors_do_not_change_widths() {
        let colored = films().render(&view(true), "");
        assert!(colored.contains("\u{1b}[32mpass\u{1b}[0m") && colored.contains("\u{1b}[31mfail\u{1b}[0m"));
        let plain = colored.replace("\u{1b}[32m", "").replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
        assert_eq!(plain, films().render(&view(false), ""));
    }

    #[test]
    fn cells_contain_no_control_characters() {
        let evil = "\u{1b}]0;x\u{7}\n\u{9b}2J";
        let cells = || [Cell::new(evil), Cell::free(evil), Cell::number(evil), Cell::status(evil)];
        let mut table = Table::new(&["A", "B", "C", "D"]);
        table.row(cells());
        let rendered = table.render(&view(false), "");
        assert_eq!(rendered.lines().count(), 2, "{rendered}");
        let listed = fields(cells().map(|cell| ("name", cell)), &view(false));
        assert_eq!(listed.lines().count(), 4, "{listed}");
        for text in [rendered, listed] {
            assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
        }
    }

    #[test]
    fn fields_are_aligned() {
        let pairs = [("id", Cell::number("7")), ("status", Cell::status("pass"))];
        assert_eq!(fields(pairs, &view(false)), "id:      7\nstatus:  pass");
    }
}
