//! What a Meilisearch server does and a cluster does not do yet: taken from the table of those routes.

use miroir_domain::error::ErrorCode;

use super::Operation;
use crate::routes::UNSUPPORTED;

pub(super) fn operations() -> Vec<Operation> {
    let each =
        UNSUPPORTED.iter().flat_map(|(path, methods)| methods.iter().map(move |method| (*path, *method)));
    each.map(|(path, method)| operation(path, method)).collect()
}

fn operation(path: &'static str, method: &'static str) -> Operation {
    let words = path.split(['/', '-', '_', '{', '}']).filter(|word| !word.is_empty());
    let name: Vec<String> = words.map(str::to_lowercase).collect();
    let id = format!("unsupported_{}_{}", method.to_lowercase(), name.join("_"));
    Operation::new(method, path, id, format!("`{method} {path}` of a single server"))
        .tag("unsupported")
        .anywhere()
        .refuses(&[ErrorCode::MiroirNotSupported])
}
