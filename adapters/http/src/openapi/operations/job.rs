//! `/_miroir/jobs`.

use miroir_domain::error::ErrorCode;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let (jobs, job) = ("/_miroir/jobs", "/_miroir/jobs/{job}");
    let about = [
        Operation::new("GET", jobs, "jobList", "Every job, page by page")
            .takes(&["jobs.after", "page.limit"])
            .answers(200, "In the order of their ids.", "JobList"),
        Operation::new("GET", job, "jobGet", "One job")
            .answers(200, "The job.", "Job")
            .refuses(&[ErrorCode::MiroirJobNotFound]),
        Operation::new("DELETE", job, "jobCancel", "Call a job off, whoever works on it")
            .answers(200, "The job as it is now.", "Job")
            .refuses(&[ErrorCode::MiroirJobNotFound, ErrorCode::MiroirJobFinished]),
    ];
    let shared = [ErrorCode::BadRequest, ErrorCode::MiroirStoreUnavailable];
    about.into_iter().map(|operation| operation.tag("jobs").admin().refuses(&shared)).collect()
}
