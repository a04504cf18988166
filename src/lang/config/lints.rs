//! `[lints]`: the levels of warnings by code.

use toml::{Spanned, de::DeValue};

use super::table::Reader;
use crate::lang::{
    Severity, codes,
    diagnostic::TextDiagnostic as Diagnostic,
    levels::{Level, Levels, NAMES},
    suggest::{did_you_mean, nearest},
};

impl Reader {
    /// Reads `[lints]`. A key that is no code, or a level that is none, is an error and has no effect.
    pub(super) fn levels(&mut self, lints: &Spanned<DeValue<'_>>) -> Levels {
        let mut levels = Levels::default();
        if !self.is_table("lints", lints) {
            return levels;
        }
        for (key, value) in lints.get_ref().as_table().into_iter().flatten() {
            let (id, span) = (key.get_ref(), key.span());
            let Some(code) = codes::all().iter().find(|code| code.id == id) else {
                let known = codes::all().iter().filter(|code| code.severity != Severity::Error).map(|code| code.id);
                let meant = codes::find(id).map(|code| code.id).or_else(|| nearest(id, known));
                let error = Diagnostic::new(
                    &codes::TW0502,
                    span.clone(),
                    format!("unknown code `{id}`{}", did_you_mean(meant)),
                );
                let error = error.with_help("write the code of a warning, as in `TW0402 = \"error\"`");
                self.out.push(match meant {
                    Some(meant) => error.with_guess(span, meant),
                    None => error,
                });
                continue;
            };
            if code.severity == Severity::Error {
                let message = format!("{} is always an error: {}", code.id, code.title);
                let error = Diagnostic::new(&codes::TW0503, span, message);
                self.out.push(error.with_help("only the levels of warnings can be changed; delete this line"));
                continue;
            }
            let written = value.get_ref().as_str().unwrap_or_default();
            let Some(level) = Level::named(written) else {
                let meant = nearest(&written.to_lowercase(), NAMES);
                let message = format!("`{id}` must be a level{}", did_you_mean(meant));
                let error = Diagnostic::new(&codes::TW0503, value.span(), message)
                    .with_help("write `\"error\"`, `\"warning\"`, `\"note\"` or `\"off\"`");
                self.out.push(match meant {
                    Some(meant) => error.with_guess(value.span(), format!("\"{meant}\"")),
                    None => error,
                });
                continue;
            };
            levels.0.insert(code.id, level);
        }
        levels
    }
}
