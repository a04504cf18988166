//! Silencers: `# twite: allow TW0402 because …` on the line above what it is about, or behind it.
//!
//! Only warnings can be silenced, only with a reason, and one that silences nothing is a warning itself.

use std::ops::Range;

use super::File;
use crate::lang::{
    codes::{self, Code},
    diagnostic::{Diagnostic, Severity},
    suggest::{did_you_mean, nearest},
    syntax::{SyntaxKind, SyntaxToken},
};

struct Silencer {
    code: &'static Code,
    span: Range<usize>,
    /// The line it is about, from 0.
    line: usize,
}

/// Takes the silenced warnings out, and reports silencers that are wrong or idle.
pub(super) fn apply(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    for file in files.iter().filter(|f| f.text.contains("twite:")) {
        // A warning may have gone unseen where something is broken: then no silencer is called idle.
        let sound = !diagnostics.iter().any(Diagnostic::is_error);
        for comment in file.parse.tree().descendants_with_tokens().filter_map(|e| e.into_token()) {
            if comment.kind() != SyntaxKind::Comment {
                continue;
            }
            let Some(order) = comment.text().trim_start_matches('#').trim_start().strip_prefix("twite:") else {
                continue;
            };
            match silencers(file, &comment, order) {
                Err(error) => diagnostics.push(error.in_file(&file.name)),
                Ok(silencers) => {
                    for silencer in silencers {
                        let before = diagnostics.len();
                        diagnostics.retain(|d| !silences(&silencer, file, d));
                        if diagnostics.len() == before && sound {
                            let message = format!("there is no {} here to silence", silencer.code.id);
                            let idle = Diagnostic::new(&codes::TW0491, silencer.span.clone(), message);
                            diagnostics.push(idle.with_help("take the comment away").in_file(&file.name));
                        }
                    }
                }
            }
        }
    }
}

fn silences(silencer: &Silencer, file: &File, diagnostic: &Diagnostic) -> bool {
    diagnostic.code == silencer.code
        && diagnostic.file == file.name
        && file.line(diagnostic.span().start) == silencer.line
}

fn silencers(file: &File, comment: &SyntaxToken, order: &str) -> Result<Vec<Silencer>, Diagnostic> {
    let span: Range<usize> = comment.text_range().into();
    let wrong = |message: String| {
        Diagnostic::new(&codes::TW0492, span.clone(), message)
            .with_help("write `# twite: allow TW0402 because …` with a reason, on the line above")
    };
    let Some(order) = order.trim().strip_prefix("allow ") else {
        return Err(wrong("a comment for twite starts with `twite: allow`".into()));
    };
    let (codes, reason) = order.split_once("because").unwrap_or((order, ""));
    if reason.trim().is_empty() {
        return Err(wrong("a silencer needs a reason".into()));
    }
    let ids = codes.split([',', ' ']).filter(|id| !id.is_empty());
    ids.map(|id| match codes::find(id) {
        Some(code) if code.severity == Severity::Warning => {
            Ok(Silencer { code, span: span.clone(), line: line_meant(file, &span) })
        }
        Some(code) => Err(wrong(format!("{} is an error, and errors cannot be silenced", code.id))),
        None => {
            let known = nearest(id, codes::ALL.iter().map(|c| c.id));
            Err(wrong(format!("unknown code `{id}`{}", did_you_mean(known))))
        }
    })
    .collect()
}

/// The line a comment is about: its own where something stands before it, else the next that is no comment.
fn line_meant(file: &File, comment: &Range<usize>) -> usize {
    let own = file.line(comment.start);
    let start = file.lines.get(own).copied().unwrap_or(0);
    if file.text.get(start..comment.start).is_some_and(|before| !before.trim().is_empty()) {
        return own;
    }
    let line = |n: usize| {
        let from = file.lines.get(n).copied()?;
        file.text.get(from..file.lines.get(n + 1).copied().unwrap_or(file.text.len()))
    };
    let meant = |n: &usize| line(*n).is_some_and(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    (own + 1..file.lines.len()).find(meant).unwrap_or(own)
}
