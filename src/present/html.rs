//! A page of the daemon with one sentence or two, as HTML.

use super::markup::Markup;

/// An HTML page with a title and a paragraph, whatever they contain.
pub(crate) fn page(title: &str, text: &str) -> String {
    let (title, text) = (Markup(title), Markup(text));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} · Twite</title></head>\n<body><h1>{title}</h1><p>{text}</p></body>\n\
         </html>\n"
    )
}
