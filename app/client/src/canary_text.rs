//! The text of canaries and their runs.

use std::time::Duration;

use serde_json::Value;

use crate::output::View;
use crate::page::next_page;
use crate::table::{Cell, Table, fields};
use crate::text::{clean, width};
use crate::value::{entries, error, millis, text, time, time_from, yes_no};

pub(crate) fn list(list: &Value, view: &View) -> String {
    let mut table = Table::new(&["ID", "NAME", "INDEX", "EVERY", "ENABLED", "ASSERTIONS", "VERSION"]);
    for canary in entries(&list["results"]) {
        table.row([
            Cell::new(text(&canary["id"])),
            Cell::free(text(&canary["name"])),
            Cell::free(text(&canary["index"])),
            Cell::number(every(canary)),
            Cell::new(yes_no(&canary["enabled"])),
            Cell::number(entries(&canary["assertions"]).len().to_string()),
            Cell::number(text(&canary["version"])),
        ]);
    }
    format!("{}{}", table.render(view, "There are no canaries."), next_page(list))
}

pub(crate) fn detail(canary: &Value, view: &View) -> String {
    let pairs = [
        ("id", Cell::new(text(&canary["id"]))),
        ("name", Cell::new(text(&canary["name"]))),
        ("index", Cell::new(text(&canary["index"]))),
        ("every", Cell::new(every(canary))),
        ("enabled", Cell::new(yes_no(&canary["enabled"]))),
        ("configured", Cell::new(yes_no(&canary["configured"]))),
        ("created", Cell::new(time_from(&canary["createdAt"], view))),
        ("version", Cell::new(text(&canary["version"]))),
        ("query", Cell::new(text(&canary["query"]))),
    ];
    let assertions =
        entries(&canary["assertions"]).iter().map(|assertion| ("assertion", Cell::new(text(assertion))));
    fields(pairs.into_iter().chain(assertions), view)
}

pub(crate) fn changed(canary: &Value, _: &View) -> String {
    clean(&format!("Stored canary `{}` (version {}).", text(&canary["id"]), text(&canary["version"])))
}

pub(crate) fn started(capture: &Value, _: &View) -> String {
    clean(&text(&capture["message"]))
}

/// Returns one line for a run, and one for each failed assertion.
pub(crate) fn run_line(id: &str, columns: usize, run: &Value, view: &View) -> String {
    let id = clean(id);
    let padding = " ".repeat(columns.saturating_sub(width(&id)));
    // A table of one row colors the status.
    let mut table = Table::new(&["", ""]);
    table.row([Cell::status(text(&run["status"])), Cell::number(millis(&run["latencyMs"]))]);
    let rendered = table.render(view, "");
    let row = rendered.lines().last().unwrap_or_default();
    let mut line = format!("{id}{padding}  {row}");
    for failed in failures(run) {
        line.push_str("\n    ");
        line.push_str(&clean(&failed));
    }
    line
}

pub(crate) fn history(list: &Value, view: &View) -> String {
    let mut table = Table::new(&["RAN (UTC)", "STATUS", "TOOK", "FAILED ASSERTIONS"]);
    for run in entries(&list["results"]) {
        table.row([
            Cell::new(time(&run["ranAt"])),
            Cell::status(text(&run["status"])),
            Cell::number(millis(&run["latencyMs"])),
            Cell::new(failures(run).join("; ")),
        ]);
    }
    table.render(view, "It has no runs.")
}

pub(crate) fn overview(status: &Value, view: &View) -> String {
    let mut table = Table::new(&[
        "ID",
        "INDEX",
        "LAST",
        "RAN (UTC)",
        "TOOK",
        "CONSECUTIVE FAILURES",
        "PASS/FAIL/ERROR",
        "NEXT (UTC)",
        "DUE",
    ]);
    for canary in entries(&status["results"]) {
        let (last, counts) = (&canary["lastRun"], &canary["counts"]);
        let counted = [&counts["pass"], &counts["fail"], &counts["error"]].map(text).join("/");
        table.row([
            Cell::new(text(&canary["id"])),
            Cell::free(text(&canary["index"])),
            Cell::status(text(&canary["lastStatus"])),
            Cell::new(time(&last["ranAt"])),
            Cell::number(millis(&last["latencyMs"])),
            Cell::number(text(&canary["consecutiveFailures"])),
            Cell::number(counted),
            Cell::new(time(&canary["nextRunAt"])),
            due(canary),
        ]);
    }
    table.render(view, "There are no canaries.")
}

fn due(canary: &Value) -> Cell {
    match (canary["enabled"] == true, canary["overdue"] == true) {
        (false, _) => Cell::new("disabled"),
        (true, true) => Cell::status("overdue"),
        (true, false) => Cell::new("on time"),
    }
}

fn every(canary: &Value) -> String {
    let seconds = canary["intervalSeconds"].as_u64();
    seconds.map_or_else(
        || text(&canary["intervalSeconds"]),
        |seconds| crate::time::duration(Duration::from_secs(seconds)),
    )
}

/// Returns a sentence for each failed assertion, or the error of a failed search.
fn failures(run: &Value) -> Vec<String> {
    let sentence = |failed: &Value| match (&failed["message"], &failed["error"]) {
        (Value::String(message), _) => format!("{}: {message}", text(&failed["assertion"]["type"])),
        (_, Value::Null) => text(failed),
        (_, refused) => error(refused),
    };
    entries(&run["failedAssertions"]).iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use serde_json::json;

    use super::*;

    const VIEW: View = View { colors: false, now: Timestamp::EPOCH };

    fn run() -> Value {
        json!({
            "ranAt": "1970-01-01T00:00:00.000Z", "status": "fail", "latencyMs": 12,
            "failedAssertions": [
                { "assertion": { "type": "top_hit_id", "id": "22" }, "message": "the first hit is `7\u{1b}[2J`, not `22`" },
                { "error": { "code": "index_not_found", "message": "gone" } },
            ],
        })
    }

    #[test]
    fn runs_show_failed_assertions() {
        let expected = "a    fail  12 ms\n    top_hit_id: the first hit is `7\\u{1b}[2J`, not `22`\n    index_not_found: gone";
        assert_eq!(run_line("a", 3, &run(), &VIEW), expected);
        let shown = history(&json!({ "results": [run()] }), &VIEW);
        assert!(shown.contains("top_hit_id") && shown.contains("; index_not_found: gone"), "{shown}");
        assert_eq!(history(&json!({ "results": [] }), &VIEW), "It has no runs.");
    }

    #[test]
    fn detail_shows_the_assertions() {
        let canary = json!({
            "id": "a", "name": "n\u{7}", "index": "films", "intervalSeconds": 90, "query": { "q": "x" },
            "assertions": [{ "type": "min_hits", "value": 1 }], "enabled": true, "configured": false,
            "createdAt": "1970-01-01T00:00:00.000Z", "version": 2,
        });
        let shown = detail(&canary, &VIEW);
        for part in ["n\\u{7}", "1 min 30 s", r#"{"type":"min_hits","value":1}"#, "yes"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let page = list(&json!({ "results": [canary], "next": "a" }), &VIEW);
        assert!(page.contains("1 min 30 s") && page.ends_with("--from a"), "{page}");
        assert_eq!(changed(&canary, &VIEW), "Stored canary `a` (version 2).");
    }

    #[test]
    fn overview_shows_overdue_canaries() {
        let canary = |enabled: bool, overdue: bool| json!({ "id": "a", "index": "films", "enabled": enabled, "overdue": overdue, "lastStatus": null });
        for (enabled, overdue, word) in
            [(true, true, "overdue"), (true, false, "on time"), (false, false, "disabled")]
        {
            let shown = overview(&json!({ "results": [canary(enabled, overdue)] }), &VIEW);
            assert!(shown.ends_with(word), "{shown}");
        }
    }
}
