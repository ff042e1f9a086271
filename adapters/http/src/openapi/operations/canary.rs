//! `/_miroir/canaries`.

use miroir_domain::error::ErrorCode;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let (canaries, canary) = ("/_miroir/canaries", "/_miroir/canaries/{id}");
    let known = [ErrorCode::MiroirCanaryNotFound, ErrorCode::MiroirInvalidCanary];
    let about =
        [
            Operation::new("POST", canaries, "canaryCreate", "Store a canary")
                .body("CanaryDefinition")
                .answers_with(201, "The canary.", "Canary", &["ETag"])
                .refuses(&[ErrorCode::MiroirInvalidCanary, ErrorCode::MiroirCanaryExists]),
            Operation::new("GET", canaries, "canaryList", "Every canary, page by page")
                .takes(&["canaries.after", "page.limit"])
                .answers(200, "In the order of their ids.", "CanaryList"),
            Operation::new("GET", canary, "canaryGet", "One canary")
                .answers_with(200, "The canary.", "Canary", &["ETag"])
                .refuses(&known),
            Operation::new(
                "PUT",
                canary,
                "canaryReplace",
                "Put a canary in the place of another, or where there is none",
            )
            .takes(&["If-Match"])
            .body("CanaryDefinition")
            .answers_with(200, "The canary as it is now.", "Canary", &["ETag"])
            .answers_with(201, "The canary, where there was none.", "Canary", &["ETag"])
            .refuses(&[
                ErrorCode::MiroirInvalidCanary,
                ErrorCode::MiroirCanaryVersionMismatch,
                ErrorCode::MiroirCanaryConfigured,
            ]),
            Operation::new("DELETE", canary, "canaryDelete", "Delete a canary and its runs")
                .answer(204, "It is gone.", &[], None)
                .refuses(&known)
                .refuses(&[ErrorCode::MiroirCanaryConfigured]),
            Operation::new("POST", format!("{canary}/run"), "canaryRun", "Run a canary now")
                .answers(200, "What it came to.", "CanaryRun")
                .refuses(&known),
            Operation::new("GET", format!("{canary}/runs"), "canaryRuns", "The runs of a canary")
                .takes(&["page.limit"])
                .answers(200, "Newest first.", "CanaryRunList")
                .refuses(&known),
            Operation::new("GET", "/_miroir/canaries/status", "canaryStatus", "How every canary fares")
                .answers(200, "All of them.", "CanaryOverview"),
            Operation::new(
                "POST",
                "/_miroir/canaries/capture",
                "canaryCapture",
                "Make drafts of what clients search for",
            )
            .body("CaptureRequest")
            .answers(202, "What will happen.", "CaptureStarted")
            .refuses(&[ErrorCode::MiroirInvalidCanary]),
        ];
    let shared = [ErrorCode::BadRequest, ErrorCode::MiroirStoreUnavailable];
    about.into_iter().map(|operation| operation.tag("canaries").admin().refuses(&shared)).collect()
}
