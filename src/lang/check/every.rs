//! Checks `every 4 hours while it holds, at most 5 times`.

use jiff::SignedDuration;

use super::Checker;
use crate::lang::{
    ast::{self, AstNode, span_of},
    codes,
    diagnostic::Diagnostic,
    rules::{Every, MAX_TIMES},
    syntax::range,
};

impl Checker<'_, '_> {
    pub(super) fn every(&mut self, clause: &ast::EveryClause) -> Option<Every> {
        let value = clause.interval()?;
        let interval = self.delay(&value);
        let too_short =
            interval.is_some_and(|every| every.length(&self.context.desk.hours) < SignedDuration::from_mins(1));
        if too_short {
            let message = "duration out of range: automations are evaluated on whole minutes";
            self.report(
                Diagnostic::new(&codes::TW0116, span_of(&value), message).with_help("write at least `1 minute`"),
            );
        }
        if !clause.holds() && !clause.is_broken() {
            let end = span_of(&value).end;
            let error = Diagnostic::new(&codes::TW0115, clause.span(), "missing `while it holds` after the interval");
            let help = "the automation fires when its condition comes to hold, and again as long as it holds";
            self.report(error.with_help(help).with_fix(end..end, " while it holds"));
        }
        let times = match clause.limit() {
            Some(limit) => Some(self.limit(&limit)?),
            None => None,
        };
        Some(Every { interval: interval.filter(|_| !too_short)?, times })
    }

    fn limit(&mut self, limit: &ast::EveryLimit) -> Option<u32> {
        if limit.comma().is_none() && !limit.is_broken() {
            let start = limit.span().start;
            let error = Diagnostic::new(&codes::TW0115, limit.span(), "missing `,` before `at most`");
            self.report(error.with_fix(start..start, ", "));
        }
        if limit.once() {
            let error = Diagnostic::new(&codes::TW0116, limit.span(), "`every` with `at most once` never repeats");
            self.report(error.with_help("an automation without `every` fires once while its condition holds"));
            return None;
        }
        let count = limit.count()?;
        let times = u32::try_from(self.whole(&count)?).ok().filter(|times| (2..=MAX_TIMES).contains(times));
        if times.is_none() {
            let message = format!("number out of range: an automation repeats at most 2 to {MAX_TIMES} times");
            let error = Diagnostic::new(&codes::TW0116, range(&count), message);
            self.report(
                error.with_help("the first time counts too; leave the limit out to repeat as long as it holds"),
            );
        }
        times
    }
}
