//! `/_miroir/changes` and `/_miroir/cdc/sinks`.

use miroir_domain::error::ErrorCode;
use serde_json::json;

use super::Operation;
use crate::content::JSON;

pub(super) fn operations() -> Vec<Operation> {
    let sinks = "/_miroir/cdc/sinks";
    let of_one = |verb: &str, id: &str, summary: &str| {
        Operation::new("POST", format!("{sinks}/{{sink}}/{verb}"), id, summary)
            .answers(200, "The sink as it is now.", "Sink")
            .refuses(&[ErrorCode::MiroirSinkNotFound, ErrorCode::MiroirSinkConflict])
    };
    let page = json!({
        JSON: { "schema": { "$ref": "#/components/schemas/ChangesPage" } },
        "text/event-stream": { "schema": { "$ref": "#/components/schemas/ChangeEvents" } },
    });
    let about = [
        Operation::new("GET", "/_miroir/changes", "changes", "The changes of an index after a number")
            .description("Answers as soon as there is a change, else when `wait` is over. With `Accept: text/event-stream` the answer goes on for as long as its reader stays.")
            .takes(&["changes.index", "changes.since", "page.limit", "changes.wait", "Last-Event-ID"])
            .answer(200, "The changes.", &[], Some(page))
            .refuses(&[
                ErrorCode::InvalidIndexUid,
                ErrorCode::IndexNotFound,
                ErrorCode::MiroirSinkNotFound,
                ErrorCode::MiroirChangesTrimmed,
                ErrorCode::MiroirInvalidChangePosition,
            ]),
        Operation::new("GET", sinks, "sinkList", "Every sink")
            .answers(200, "In the order of the configuration.", "SinkList"),
        of_one("pause", "sinkPause", "Stop delivering to a sink"),
        of_one("resume", "sinkResume", "Deliver to a sink again"),
        of_one("rewind", "sinkRewind", "Deliver events again, as far as they are held").body("Rewind").refuses(&[
            ErrorCode::IndexNotFound,
            ErrorCode::MiroirChangesTrimmed,
            ErrorCode::MiroirInvalidChangePosition,
        ]),
    ];
    let shared = [ErrorCode::BadRequest, ErrorCode::MiroirStoreUnavailable];
    about.into_iter().map(|operation| operation.tag("changes").admin().refuses(&shared)).collect()
}
