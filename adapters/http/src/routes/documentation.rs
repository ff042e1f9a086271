//! `/_miroir/docs/errors`: the page to which the links of Miroir's error codes lead.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::Method;

use crate::Apis;
use crate::content::{HTML, MARKDOWN, accepts};
use crate::description::Schema;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const PAGE: &str = include_str!("../../../../docs/errors.md");

pub(super) fn routes() -> Vec<Route> {
    // Clients whose key is refused need the page, too.
    vec![
        Route::new(Method::GET, "/_miroir/docs/errors", "errorPage", "Get the page about error codes", errors)
            .open()
            .text("The page is Markdown. With `Accept: text/html` it is HTML, with the code as the anchor of each section.")
            .returns_media(200, "The page.", vec![(MARKDOWN, Schema::Text), (HTML, Schema::Text)]),
    ]
}

async fn errors(_: Arc<Apis>, request: Request) -> Outcome {
    static AS_HTML: LazyLock<Bytes> = LazyLock::new(|| html(PAGE).into());
    Ok(if accepts(&request.headers, HTML) {
        Reply::text("text/html; charset=utf-8", AS_HTML.clone())
    } else {
        Reply::text("text/markdown; charset=utf-8", Bytes::from_static(PAGE.as_bytes()))
    })
}

/// Returns the page as HTML: the text as it is, with an anchor for each section, so that a browser opens a
/// link at its code.
fn html(page: &str) -> String {
    let mut html =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Errors of Miroir</title>\n\
        <body style=\"font-family: sans-serif; white-space: pre-wrap; max-width: 60em; margin: auto\">\n"
            .to_owned();
    for line in page.lines() {
        let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // Writing to a string cannot fail.
        let _ = match line.strip_prefix("## ") {
            Some(code) => writeln!(html, "<h2 id=\"{code}\">{code}</h2>"),
            None => writeln!(html, "{line}"),
        };
    }
    html
}
