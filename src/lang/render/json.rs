//! Diagnostics as JSON, for scripts: one object with a stable shape.

use serde_json::{Value, json};

use crate::lang::{
    diagnostic::{Diagnostic, Fix, Label},
    span::{SourceSet, Span},
};

/// `{"diagnostics": […]}`, with spans in bytes, and in lines and columns from 1.
pub fn json(diagnostics: &[Diagnostic], sources: &SourceSet) -> Value {
    let span = |span: &Span| {
        let (start, end) = sources.region(span);
        json!({"file": &*span.file, "bytes": [span.start, span.end], "start": start, "end": end})
    };
    let label = |label: &Label| json!({"text": label.text, "span": span(&label.span)});
    let fix = |fix: &Fix| {
        let edits = fix.edits.iter().map(|edit| json!({"span": span(&edit.span), "text": edit.text}));
        json!({"title": fix.title, "grade": fix.grade, "edits": edits.collect::<Vec<_>>()})
    };
    let one = |d: &Diagnostic| {
        json!({
            "code": d.code.id,
            "severity": d.severity,
            "message": d.message,
            "file": &**d.file(),
            "span": span(d.span()),
            "labels": d.labels().map(label).collect::<Vec<_>>(),
            "help": d.help,
            "fix": d.fix.as_ref().map(fix),
        })
    };
    json!({"diagnostics": diagnostics.iter().map(one).collect::<Vec<_>>()})
}
