//! TW0408: numbered files whose name order, in which they are read, differs from their numeric order.

use std::collections::HashSet;

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0408",
        title: "numbered files out of order",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0408.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let files = context.files;
    let mut directories = HashSet::new();
    for (before, after) in files.iter().zip(files.iter().skip(1)) {
        let shared =
            before.source.name.split('/').zip(after.source.name.split('/')).take_while(|(a, b)| a == b).count();
        let part = |name: &str| name.split('/').nth(shared).map(str::to_owned);
        let (Some(first), Some(second)) = (part(&before.source.name), part(&after.source.name)) else { continue };
        let (Some(a), Some(b)) = (number(&first), number(&second)) else { continue };
        let directory: Vec<&str> = after.source.name.split('/').take(shared).collect();
        // One warning per directory is enough.
        if a <= b || first > second || !directories.insert(directory.join("/")) {
            continue;
        }
        let width = first.chars().take_while(char::is_ascii_digit).count();
        let rest = second.trim_start_matches(|c: char| c.is_ascii_digit());
        found.push(
            Diagnostic::new(&LINT.code, after.source.span(0..0), format!("`{second}` is read after `{first}`"))
                .with_help(format!("file names are compared character by character; rename it to `{b:0width$}{rest}`")),
        );
    }
}

/// The number at the start of a name.
fn number(name: &str) -> Option<u64> {
    let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    name.get(..digits)?.parse().ok()
}
