//! Diagnostics as SARIF 2.1.0, for code scanning.

use std::path::{Component, Path};

use super::{fingerprint::Fingerprints, repository::Repository};
use crate::{
    desk::visible::visible,
    lang::{
        codes,
        diagnostic::Diagnostic,
        lines::LINE_ENDS,
        span::{SourceSet, Span},
    },
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

/// The characters that are percent-encoded in a path segment: all but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `uriBaseId` of the root that files are relative to; GitHub's own tools use the same name.
const BASE: &str = "%SRCROOT%";

/// A SARIF log with one run, whose `rules` are all diagnostic codes. Files are named relative to the root of the
/// repository that contains `directory`, or to `directory` if there is no repository. Relative names start from
/// `directory`.
pub fn sarif(diagnostics: &[Diagnostic], sources: &SourceSet, directory: &Path) -> Value {
    let rules: Vec<Value> = codes::all()
        .iter()
        .map(|code| {
            json!({
                "id": code.id,
                "shortDescription": {"text": code.title},
                "help": {"text": code.page, "markdown": code.page},
                "defaultConfiguration": {"level": code.severity.as_str()},
            })
        })
        .collect();
    let repository = Repository::around(directory);
    let mut fingerprints = Fingerprints::default();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            let file = artifact(&repository, d.file());
            let fingerprint = fingerprints.of(d, sources, file.get("uri").and_then(Value::as_str).unwrap_or_default());
            result(d, sources, &repository, fingerprint)
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "twite", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "originalUriBaseIds": {BASE: {"uri": file_uri(&repository.root) + "/"}},
            "columnKind": "unicodeCodePoints",
            "newlineSequences": std::iter::once("\r\n".to_owned())
                .chain(LINE_ENDS.map(String::from))
                .collect::<Vec<_>>(),
            "results": results,
        }],
    })
}

fn result(d: &Diagnostic, sources: &SourceSet, repository: &Repository, fingerprint: String) -> Value {
    let text = match &d.help {
        Some(help) => format!("{}. Help: {}", visible(&d.message), visible(help)),
        None => visible(&d.message).into_owned(),
    };
    let mut result = json!({
        "ruleId": d.code.id,
        "level": d.severity.as_str(),
        "message": {"text": text},
        "locations": [{"physicalLocation": location(d.span(), sources, repository)}],
        "partialFingerprints": {"twite/v1": fingerprint},
    });
    let related = d.secondary.iter().map(|label| {
        let location = location(&label.span, sources, repository);
        json!({"message": {"text": visible(&label.text)}, "physicalLocation": location})
    });
    let related: Vec<Value> = related.collect();
    if let Some(result) = result.as_object_mut().filter(|_| !related.is_empty()) {
        result.insert("relatedLocations".to_owned(), related.into());
    }
    result
}

/// A span as a `physicalLocation`.
fn location(span: &Span, sources: &SourceSet, repository: &Repository) -> Value {
    let (start, end) = sources.region(span);
    json!({
        "artifactLocation": artifact(repository, &span.file),
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    })
}

/// A file as an `artifactLocation`: a path relative to the root if it is inside it, else an absolute `file:` URI.
fn artifact(repository: &Repository, file: &str) -> Value {
    match repository.below(file) {
        Ok(below) => json!({"uri": segments(&below), "uriBaseId": BASE}),
        Err(path) => json!({"uri": file_uri(&path)}),
    }
}

fn file_uri(path: &Path) -> String {
    format!("file:///{}", segments(path))
}

/// A path as a URI path: each component percent-encoded, joined by `/`.
fn segments(path: &Path) -> String {
    let names = path.components().filter(|component| !matches!(component, Component::RootDir));
    let names = names.map(|name| name.as_os_str().as_encoded_bytes());
    names.map(|name| percent_encode(name, ESCAPED).to_string()).collect::<Vec<_>>().join("/")
}
