//! TW0451: an sla that never applies, because one above it applies to every ticket.

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    display::Quoted,
    rules::Mode,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0451",
        title: "sla that never applies",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0451.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut slas = context.rules.slas.iter().filter(|sla| sla.mode != Mode::Disabled);
    let Some(first) = slas.find(|sla| sla.when.is_always()) else { return };
    for sla in slas {
        let message = format!("this sla never applies: {} above it applies to every ticket", Quoted(&first.title));
        found.push(
            Diagnostic::new(&LINT.code, sla.span.clone(), message)
                .and_label(first.span.clone(), "applies to every ticket")
                .with_help("the first sla that matches applies: put the one for all other tickets last"),
        );
    }
}
