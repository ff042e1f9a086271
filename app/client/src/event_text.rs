//! The text of change events.

use serde_json::Value;

use crate::text::clean;
use crate::value::{text, time};

/// Returns a line such as `2026-11-27 12:00:00  films:42  document.upserted  11, 12`.
pub(crate) fn event_line(event: &Value) -> String {
    let (kind, data) = (text(&event["type"]), &event["data"]);
    let about = if let Some(keys) = data["primaryKeys"].as_array() {
        keys.iter().map(text).collect::<Vec<_>>().join(", ")
    } else if data["all"] == true {
        "all documents".to_owned()
    } else if !data["filter"].is_null() {
        format!("filter {}", text(&data["filter"]))
    } else {
        text(data)
    };
    let kind = kind.strip_prefix("io.miroir.").unwrap_or(&kind);
    clean(&format!("{}  {}  {kind}  {about}", time(&event["time"]), text(&event["id"])))
}
