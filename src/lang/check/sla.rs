//! Checks service level agreements.

use std::ops::Range;

use super::{Checker, NameKind, NameList, Where};
use crate::{
    desk::{FieldRef, SlaTarget},
    lang::{
        ast::{self, AstNode, Titled},
        codes,
        diagnostic::Diagnostic,
        display::Quoted,
        rules::{Condition, Mode, Op, Predicate, Sla, SlaTime},
        suggest::{did_you_mean, listed},
        syntax::range,
    },
};

/// Maximum number of times of an agreement.
const MAX_TIMES: usize = 50;

/// The target that a node names.
pub(super) fn target(node: &ast::SlaTarget) -> SlaTarget {
    match (node.first(), node.next(), node.update()) {
        (true, ..) => SlaTarget::FirstReply,
        (_, true, _) => SlaTarget::NextReply,
        (.., true) => SlaTarget::Update,
        _ => SlaTarget::Solve,
    }
}

impl Checker<'_, '_> {
    pub(super) fn sla(&mut self, node: &ast::Sla) -> Option<Sla> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let when = self.only(node.when());
        let pause = self.only(node.pause());
        let span = self.span(node.title_span());
        if let (Some(when), Some(first)) = (&when, node.targets().next())
            && first.span().start < when.span().start
            && !node.is_broken()
        {
            let error = Diagnostic::new(&codes::TW0115, when.span(), "`when` stands before the times of an sla");
            let help = "it says which tickets the sla is for; for one time only, write `if` behind that time";
            self.report(error.with_help(help));
        }
        let when = match when {
            Some(clause) => clause.condition().and_then(|c| self.lasting(&c)),
            None => Some(Condition::always(span.clone())),
        };
        let clauses: Vec<_> = node.targets().collect();
        if clauses.is_empty() && !node.is_broken() {
            let error = Diagnostic::new(&codes::TW0115, node.title_span(), "missing time in an sla");
            self.report(error.with_help("write `first reply within 1 hour`, for example"));
        }
        if let Some(over) = clauses.get(MAX_TIMES) {
            self.error(&codes::TW0109, over.span(), format!("too many times: an sla has at most {MAX_TIMES}"));
        }
        let times: Vec<_> = clauses.iter().map(|clause| self.sla_time(clause)).collect();
        self.order_of_times(&clauses);
        let pause = pause.map(|clause| clause.condition().and_then(|c| self.about_status(&c)));
        // All clauses have been checked, so an invalid one does not hide the errors of the others.
        let (title, _) = node.title()?;
        let times = times.into_iter().collect::<Option<Vec<_>>>()?;
        let pause = match pause {
            Some(pause) => Some(pause?),
            None => None,
        };
        Some(Sla { title, doc: node.doc(), mode, when: when?, times, pause, span })
    }

    fn sla_time(&mut self, clause: &ast::TargetClause) -> Option<SlaTime> {
        let target = target(&clause.target()?);
        let (wrong, right) = match target {
            SlaTarget::Update => (clause.within(), "every"),
            _ => (clause.every(), "within"),
        };
        if let Some(wrong) = wrong {
            let message = format!("write `{}` instead of `{} {wrong}`", target.clause(), target.as_str());
            self.report(Diagnostic::new(&codes::TW0106, range(&wrong), message).with_fix(range(&wrong), right));
        }
        let within = clause.time().and_then(|time| self.delay(&time));
        let when = clause.condition().map(|condition| self.lasting(&condition));
        Some(SlaTime {
            target,
            within: within?,
            when: match when {
                Some(when) => Some(when?),
                None => None,
            },
        })
    }

    /// Reports times that are never used, and times for all other tickets that do not read so.
    fn order_of_times(&mut self, clauses: &[ast::TargetClause]) {
        let of = |clause: &ast::TargetClause| clause.target().map(|node| target(&node));
        for (place, clause) in clauses.iter().enumerate() {
            let earlier = || clauses.iter().take(place).filter(|earlier| of(earlier) == of(clause));
            let Some(target) = of(clause) else { continue };
            let always = |clause: &ast::TargetClause| clause.condition().is_none();
            if let Some(first) = earlier().find(|earlier| always(earlier)) {
                let message =
                    format!("this time is never used: `{}` has one for all other tickets above", target.as_str());
                let error = Diagnostic::new(&codes::TW0115, clause.span(), message);
                self.report(
                    error.and_label(first.span(), "used for all other tickets").with_help("write it above that one"),
                );
                continue;
            }
            match (clause.otherwise(), earlier().next().is_some()) {
                (None, true) if always(clause) && !clause.is_broken() => {
                    let end = clause.span().end;
                    let message = "this time is for all other tickets: write `otherwise` behind it";
                    let error = Diagnostic::new(&codes::TW0115, clause.span(), message);
                    self.report(error.with_fix(end..end, " otherwise"));
                }
                (Some(word), false) if !clauses.iter().skip(place + 1).any(|later| of(later) == Some(target)) => {
                    let message = "`otherwise` without a time with `if` above it";
                    let error = Diagnostic::new(&codes::TW0115, range(&word), message);
                    self.report(error.with_fix(range(&word), ""));
                }
                _ => {}
            }
        }
    }

    /// Checks a condition whose result changes only when the ticket does.
    fn lasting(&mut self, node: &ast::Condition) -> Option<Condition> {
        let passes = |predicate: &Predicate| {
            predicate.fields().any(FieldRef::follows_from_sla)
                || predicate.asks_clock()
                || predicate.asks_me()
                || matches!(predicate.op, Op::Since(..) | Op::Until(..) | Op::TimeIn(..))
        };
        let help = "which times apply follows from what the ticket is, not from its age, the clock or who looks at it";
        self.condition_without(node, passes, |predicate| format!("an sla cannot depend on `{predicate}`"), help)
    }

    /// Checks a condition that asks only for the status.
    fn about_status(&mut self, node: &ast::Condition) -> Option<Condition> {
        let other = |predicate: &Predicate| {
            predicate.fields().any(|field| field.name() != "status")
                || matches!(predicate.op, Op::TimeIn(..) | Op::Changed { .. })
        };
        let help =
            "the clock stands still in some statuses: write `pause while status in (pending, hold)`, for example";
        let message = |predicate: &Predicate| format!("`pause while` asks only for the status, not `{predicate}`");
        self.condition_without(node, other, message, help)
    }

    fn condition_without(
        &mut self,
        node: &ast::Condition,
        is_wrong: impl Fn(&Predicate) -> bool,
        message: impl Fn(&Predicate) -> String,
        help: &str,
    ) -> Option<Condition> {
        let condition = self.condition(node, Where::Sla)?;
        let mut wrong = None;
        condition.predicates(&mut |predicate, _| {
            if wrong.is_none() && is_wrong(predicate) {
                wrong = Some(message(predicate));
            }
        });
        let Some(message) = wrong else { return Some(condition) };
        self.report(Diagnostic::new(&codes::TW0312, node.span(), message).with_help(help));
        None
    }

    /// Resolves the title of a service level agreement. Reports an error if there is none.
    pub(super) fn sla_title(&mut self, text: &str, span: Range<usize>) -> Option<String> {
        if let Some((title, _)) = self.context.names.declared(NameKind::Sla, text) {
            return Some(title.clone());
        }
        let titles = || self.context.names.of(NameKind::Sla).map(|(title, _)| title);
        let suggestion = self.context.suggestions.nearest(self.sink.source, NameList::Slas, text, titles());
        let message = format!("no sla is titled {}{}", Quoted(text), did_you_mean(suggestion.as_deref()));
        let help = match titles().next() {
            None => "there is none yet: write `sla \"…\" { first reply within 1 hour }`, for example".to_owned(),
            Some(_) => format!("there are {}", listed(titles().take(12))),
        };
        let error = Diagnostic::new(&codes::TW0207, span.clone(), message).with_help(help);
        self.report(match suggestion {
            Some(meant) => error.with_guess(span, Quoted(&meant).to_string()),
            None => error,
        });
        None
    }
}
