//! Canaries and their runs, as people read them.

use serde_json::Value;

use crate::output::View;
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
    format!("{}{}", table.render(view, "There are no canaries."), crate::page::next_page(list))
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
    clean(&format!("Canary `{}` is stored (version {}).", text(&canary["id"]), text(&canary["version"])))
}

pub(crate) fn started(capture: &Value, _: &View) -> String {
    clean(&text(&capture["message"]))
}

/// One line for a run, and one more for everything that did not hold.
pub(crate) fn run_line(id: &str, columns: usize, run: &Value, view: &View) -> String {
    let id = clean(id);
    let padding = " ".repeat(columns.saturating_sub(width(&id)));
    // A table of one row: the word has its colour.
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
    let mut table = Table::new(&["RAN (UTC)", "STATUS", "TOOK", "WHAT DID NOT HOLD"]);
    for run in entries(&list["results"]) {
        table.row([
            Cell::new(time(&run["ranAt"])),
            Cell::status(text(&run["status"])),
            Cell::number(millis(&run["latencyMs"])),
            Cell::new(failures(run).join("; ")),
        ]);
    }
    table.render(view, "It has not run yet.")
}

pub(crate) fn overview(status: &Value, view: &View) -> String {
    let mut table = Table::new(&[
        "ID",
        "INDEX",
        "LAST",
        "RAN (UTC)",
        "TOOK",
        "BAD IN A ROW",
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
        (false, _) => Cell::new("not enabled"),
        (true, true) => Cell::status("overdue"),
        (true, false) => Cell::new("in time"),
    }
}

fn every(canary: &Value) -> String {
    let seconds = canary["intervalSeconds"].as_u64();
    seconds.map_or_else(
        || text(&canary["intervalSeconds"]),
        |seconds| super::time::span(std::time::Duration::from_secs(seconds)),
    )
}

/// A sentence for everything that did not hold; of a search that failed, its error.
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

    const VIEW: View = View { colours: false, now: Timestamp::EPOCH };

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
    fn runs_tell_what_did_not_hold() {
        let expected = "a    fail  12 ms\n    top_hit_id: the first hit is `7\\u{1b}[2J`, not `22`\n    index_not_found: gone";
        assert_eq!(run_line("a", 3, &run(), &VIEW), expected);
        let shown = history(&json!({ "results": [run()] }), &VIEW);
        assert!(shown.contains("top_hit_id") && shown.contains("; index_not_found: gone"), "{shown}");
        assert_eq!(history(&json!({ "results": [] }), &VIEW), "It has not run yet.");
    }

    #[test]
    fn definitions_are_shown_with_their_assertions() {
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
        assert_eq!(changed(&canary, &VIEW), "Canary `a` is stored (version 2).");
    }

    #[test]
    fn overview_tells_who_is_late() {
        let standing = |enabled: bool, overdue: bool| json!({ "id": "a", "index": "films", "enabled": enabled, "overdue": overdue, "lastStatus": null });
        for (enabled, overdue, word) in
            [(true, true, "overdue"), (true, false, "in time"), (false, false, "not enabled")]
        {
            let shown = overview(&json!({ "results": [standing(enabled, overdue)] }), &VIEW);
            assert!(shown.ends_with(word), "{shown}");
        }
    }
}
