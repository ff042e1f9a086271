//! `/_miroir/aliases`.

use miroir_domain::error::ErrorCode;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let (aliases, alias) = ("/_miroir/aliases", "/_miroir/aliases/{name}");
    let about = [
        Operation::new("GET", aliases, "aliasList", "Every alias, page by page")
            .takes(&["aliases.after", "page.limit"])
            .answers(200, "In the order of their names.", "AliasList"),
        Operation::new("POST", aliases, "aliasCreate", "Create an alias")
            .body("NewAlias")
            .answers_with(201, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Operation::new("POST", "/_miroir/aliases/_swap", "aliasSwap", "Exchange the targets of two aliases")
            .body("AliasSwap")
            .answers(200, "Both, as they are now.", "AliasSwapped")
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Operation::new("GET", alias, "aliasGet", "One alias")
            .answers_with(200, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasNotFound]),
        Operation::new("PUT", alias, "aliasFlip", "Give an alias another target")
            .takes(&["If-Match"])
            .body("AliasChange")
            .answers_with(200, "The alias as it is now.", "Alias", &["ETag"])
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirAliasVersionMismatch,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Operation::new("DELETE", alias, "aliasDelete", "Remove an alias")
            .answer(204, "It is gone.", &[], None)
            .refuses(&[ErrorCode::MiroirAliasNotFound, ErrorCode::MiroirAliasConflict]),
    ];
    let shared = [ErrorCode::InvalidIndexUid, ErrorCode::MiroirStoreUnavailable];
    about.into_iter().map(|operation| operation.tag("aliases").admin().refuses(&shared)).collect()
}
