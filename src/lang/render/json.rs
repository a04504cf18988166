//! JSON for scripts: one object, whose shape does not change.

use serde_json::{Value, json};

use super::region;
use crate::lang::{diagnostic::Diagnostic, sources::Sources};

/// `{"diagnostics": […]}`; places in bytes, and in lines and columns from 1.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let span = |d: &Diagnostic, range: &std::ops::Range<usize>| {
        let (start, end) = region(d, sources, range);
        json!({"bytes": [range.start, range.end], "start": start, "end": end})
    };
    let one = |d: &Diagnostic| {
        json!({
            "code": d.code.id,
            "severity": d.severity,
            "message": d.message,
            "file": &*d.file,
            "span": span(d, &d.span()),
            "labels": d.labels.iter().map(|l| json!({"text": l.text, "span": span(d, &l.span)})).collect::<Vec<_>>(),
            "help": d.help,
            "fix": d.fix.as_ref().map(|fix| json!({
                "safe": fix.safe,
                "edits": fix.edits.iter()
                    .map(|e| json!({"span": span(d, &e.span), "text": e.text}))
                    .collect::<Vec<_>>(),
            })),
        })
    };
    json!({"diagnostics": diagnostics.iter().map(one).collect::<Vec<_>>()})
}
