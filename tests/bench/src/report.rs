//! All rows, as a table and as JSON.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::row::Row;

const TITLES: [&str; 6] = ["figure", "measured", "reference in the same run", "ratio", "goal", "met"];

/// Results of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Description of the nodes, if the service was measured.
    pub nodes: Option<String>,
    rows: Vec<Row>,
}

impl Report {
    /// Adds rows at the end.
    pub fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    /// Returns the table in columns of even width.
    pub fn text(&self) -> String {
        let cells: Vec<[String; 6]> = self.cells();
        let widths: Vec<usize> = (0..TITLES.len())
            .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = format!("{}\n\n", self.machine());
        for row in &cells {
            for (cell, width) in row.iter().zip(&widths) {
                let padding = width - cell.chars().count() + 2;
                // Writing to a string cannot fail.
                let _ = write!(text, "{cell}{:padding$}", "");
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    /// Returns the table as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.machine());
        for (number, row) in self.cells().iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
            if number == 0 {
                let _ = writeln!(text, "|---|---|---|---|---|---|");
            }
        }
        text
    }

    /// Writes everything as JSON to `path`, whose folder is created.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let body = json!({ "cores": cores(), "nodes": self.nodes, "rows": rows });
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        std::fs::write(path, serde_json::to_vec_pretty(&body)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn cells(&self) -> Vec<[String; 6]> {
        std::iter::once(TITLES.map(str::to_owned)).chain(self.rows.iter().map(Row::cells)).collect()
    }

    fn machine(&self) -> String {
        let nodes = self.nodes.as_ref().map(|nodes| format!("; nodes: {nodes}")).unwrap_or_default();
        format!("{} cores{nodes}.", cores())
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Goal, Unit};

    fn report() -> Report {
        let mut report = Report { nodes: Some("simulated".to_owned()), ..Report::default() };
        report.add(vec![
            Row::alone("store", "reads", Unit::PerSecond, 30.0, Goal::AtLeastTimes(0.5))
                .against("bare", 20.0),
            Row::alone("build", "size", Unit::Bytes, 4e6, Goal::AtMost(3e6)),
        ]);
        report
    }

    #[test]
    fn markdown_has_a_line_per_row() {
        let text = report().markdown();
        assert!(text.contains("nodes: simulated"), "{text}");
        assert!(text.contains("| store: reads | 30/s | 20/s (bare) | 1.50× | ≥ 0.5× | yes |"), "{text}");
        assert!(text.contains("| build: size | 4.00 MB |  |  | ≤ 3.00 MB | NO |"), "{text}");
    }

    #[test]
    fn text_has_its_columns_under_each_other() {
        let text = report().text();
        let columns: Vec<usize> = text
            .lines()
            .skip(2)
            .map(|line| ["measured", "30/s", "4.00 MB"].iter().find_map(|cell| line.find(cell)).unwrap())
            .collect();
        assert_eq!(columns.len(), 3);
        assert!(columns.iter().all(|column| *column == columns[0]), "{text}");
    }

    #[test]
    fn json_is_written_into_a_new_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        report().write_json(&path).unwrap();
        let body: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(body["rows"][0]["met"], true);
        assert_eq!(body["rows"][1]["reference"], Value::Null);
    }
}
