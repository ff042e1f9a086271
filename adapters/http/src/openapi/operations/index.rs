//! `/indexes` and `/stats`.

use miroir_domain::error::ErrorCode;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let index = "/indexes/{index_uid}";
    let about = [
        Operation::new("GET", "/indexes", "indexList", "Every index, page by page")
            .takes_all("indexes.")
            .answers(200, "In the order of their uids.", "IndexList")
            .refuses(&[
                ErrorCode::InvalidIndexOffset,
                ErrorCode::InvalidIndexLimit,
                ErrorCode::MiroirStoreUnavailable,
            ]),
        Operation::new("POST", "/indexes", "indexCreate", "Create an index on every node")
            .body("IndexCreation")
            .writes()
            .refuses(&[
                ErrorCode::MissingIndexUid,
                ErrorCode::InvalidIndexUid,
                ErrorCode::InvalidIndexPrimaryKey,
                ErrorCode::MiroirAliasConflict,
            ]),
        Operation::new("GET", index, "indexGet", "One index")
            .reads("The index.", "Index")
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Operation::new("DELETE", index, "indexDelete", "Delete an index from every node")
            .writes()
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Operation::new("GET", format!("{index}/stats"), "indexStats", "How large an index is")
            .reads("Its documents, counted once each.", "IndexStats"),
        Operation::new("GET", "/stats", "stats", "How large all indexes are")
            .answers_with(200, "Every index, and the disks of all nodes.", "Stats", &["X-Miroir-Degraded"])
            .refuses(&[
                ErrorCode::MiroirStoreUnavailable,
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirShardUnavailable,
            ]),
    ];
    about.into_iter().map(|operation| operation.tag("indexes")).collect()
}
