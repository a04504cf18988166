//! SARIF 2.1.0, as code scanning reads it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::region;
use crate::lang::{
    codes,
    diagnostic::{Diagnostic, Severity},
    sources::Sources,
};

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A log with one run; every code is a rule of it.
pub fn sarif(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let rules: Vec<Value> = codes::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.id,
                "shortDescription": {"text": code.title},
                "help": {"text": code.page, "markdown": code.page},
                "defaultConfiguration": {"level": level(code.severity)},
            })
        })
        .collect();
    let results: Vec<Value> = diagnostics.iter().map(|d| result(d, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "twite", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(d: &Diagnostic, sources: &Sources) -> Value {
    let (start, end) = region(d, sources, &d.span());
    let text = match &d.help {
        Some(help) => format!("{}. Help: {help}", d.message),
        None => d.message.clone(),
    };
    json!({
        "ruleId": d.code.id,
        "level": level(d.severity),
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": d.file.replace('\\', "/")},
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        }}],
        "partialFingerprints": {"twite/v1": fingerprint(d, sources)},
    })
}

/// The same finding keeps its fingerprint while lines are added above it: it is made of the code, the file
/// and the text of the line.
fn fingerprint(d: &Diagnostic, sources: &Sources) -> String {
    let (start, _) = region(d, sources, &d.span());
    let line = sources.text(&d.file).and_then(|t| t.lines().nth(start.line - 1)).unwrap_or_default().trim();
    let mut sha = Sha256::new();
    for piece in [d.code.id, &*d.file, &d.message, line] {
        sha.update(piece.as_bytes());
        sha.update([0]);
    }
    sha.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
