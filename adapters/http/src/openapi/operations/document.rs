//! `/indexes/{index_uid}/documents`.

use miroir_domain::error::ErrorCode;

use super::Operation;

const METADATA: &str = "metadata.customMetadata";

pub(super) fn operations() -> Vec<Operation> {
    let documents = "/indexes/{index_uid}/documents";
    let document = "/indexes/{index_uid}/documents/{document_id}";
    let about = [
        write("POST", documents, "documentsReplace", "Write documents, whole"),
        write("PUT", documents, "documentsUpdate", "Write documents, attribute by attribute"),
        refusing_lists(
            Operation::new("GET", documents, "documentList", "Documents, page by page")
                .takes_all("documents.")
                .takes_all("document."),
        ),
        refusing_lists(
            Operation::new(
                "POST",
                format!("{documents}/fetch"),
                "documentsFetch",
                "Documents, asked for by a body",
            )
            .anywhere()
            .body("DocumentQuery"),
        ),
        Operation::new("DELETE", documents, "documentsDeleteAll", "Delete every document")
            .takes(&[METADATA])
            .writes(),
        Operation::new(
            "POST",
            format!("{documents}/delete-batch"),
            "documentsDeleteByIds",
            "Delete documents by their ids",
        )
        .takes(&[METADATA])
        .body("DocumentIds")
        .writes()
        .refuses(&[ErrorCode::InvalidDocumentId]),
        Operation::new(
            "POST",
            format!("{documents}/delete"),
            "documentsDeleteByFilter",
            "Delete what a filter finds",
        )
        .takes(&[METADATA])
        .body("DocumentDeletion")
        .writes()
        .refuses(&[ErrorCode::MissingDocumentFilter, ErrorCode::InvalidDocumentFilter]),
        Operation::new("GET", document, "documentGet", "One document")
            .takes_all("document.")
            .reads("The document.", "Document")
            .refuses(&[
                ErrorCode::InvalidDocumentId,
                ErrorCode::DocumentNotFound,
                ErrorCode::InvalidDocumentFields,
                ErrorCode::InvalidDocumentRetrieveVectors,
                ErrorCode::MiroirNotSupported,
            ]),
        Operation::new("DELETE", document, "documentDelete", "Delete one document")
            .takes(&[METADATA])
            .writes()
            .refuses(&[ErrorCode::InvalidDocumentId]),
    ];
    about.into_iter().map(|operation| operation.tag("documents")).collect()
}

fn write(method: &'static str, path: &str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, id, summary)
        .description(
            "An index that is not there is created. One bad document fails the whole payload, in its task.",
        )
        .takes_all("write.")
        .takes(&[METADATA])
        .documents()
        .writes()
        .refuses(&[
            ErrorCode::InvalidSkipCreation,
            ErrorCode::InvalidIndexPrimaryKey,
            ErrorCode::InvalidDocumentCsvDelimiter,
            ErrorCode::MiroirReservedField,
            ErrorCode::MiroirNotSupported,
        ])
}

fn refusing_lists(operation: Operation) -> Operation {
    operation.reads("The page.", "DocumentList").refuses(&[
        ErrorCode::InvalidDocumentOffset,
        ErrorCode::InvalidDocumentLimit,
        ErrorCode::InvalidDocumentFields,
        ErrorCode::InvalidDocumentRetrieveVectors,
        ErrorCode::InvalidDocumentIds,
        ErrorCode::InvalidDocumentId,
        ErrorCode::InvalidDocumentFilter,
        ErrorCode::InvalidDocumentSort,
        ErrorCode::MiroirNotSupported,
    ])
}
