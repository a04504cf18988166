//! Checks volumes: `at least 20 tickets within 10 minutes`, and what rules and tests ask of them.

use jiff::SignedDuration;

use super::{
    Checker, NameKind, NameList, Where,
    value::{shortened, written},
};
use crate::{
    desk::{FieldRef, VolumeAsked, VolumeState},
    lang::{
        ast::{self, AstNode, Titled, span_of},
        codes,
        diagnostic::Diagnostic,
        display::Quoted,
        foreign::digits,
        rules::{Condition, Duration, GivenVolume, Mode, On, Rules, Volume},
        suggest::{did_you_mean, listed},
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, range, text::Text},
    },
};

/// Maximum number of volumes: each is asked on every event.
const MAX_VOLUMES: usize = 100;
/// Maximum number of tickets with which a volume starts: so many are kept of each.
const MAX_TICKETS: u32 = 1_000;
/// The times within which tickets are counted.
const MIN_WITHIN: SignedDuration = SignedDuration::from_mins(1);
const MAX_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Maximum number of `given volume` in a test.
const MAX_GIVEN: usize = 20;

/// The error about too many volumes.
pub(super) fn too_many(rules: &Rules) -> Option<Diagnostic> {
    let over = rules.volumes.get(MAX_VOLUMES)?;
    Some(Diagnostic::new(&codes::TW0109, over.span.clone(), format!("more than {MAX_VOLUMES} volumes")))
}

impl Checker<'_, '_> {
    pub(super) fn volume(&mut self, node: &ast::Volume) -> Option<Volume> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let on = self.only(node.on()).map(|clause| self.on(&clause));
        let when = self.only(node.when());
        let span = self.span(node.title_span());
        let when = match when {
            Some(clause) => clause.condition().and_then(|condition| self.countable(&condition)),
            None => Some(Condition::always(span.clone())),
        };
        let clause = self.only(node.counts());
        if clause.is_none() && !node.is_broken() {
            let error = Diagnostic::new(&codes::TW0115, node.title_span(), "missing `at least` in a volume");
            self.report(error.with_help("write `at least 20 tickets within 10 minutes`, for example"));
        }
        let count = clause.and_then(|clause| self.count(&clause));
        let (title, _) = node.title()?;
        let (tickets, within) = count?;
        let on = on.unwrap_or(On { created: true, updated: true });
        Some(Volume { title, doc: node.doc(), mode, on, when: when?, tickets, within, span })
    }

    /// Checks the condition of a volume, which asks for no other volume.
    fn countable(&mut self, node: &ast::Condition) -> Option<Condition> {
        let condition = self.condition(node, Where::Run)?;
        let mut asked = None;
        condition.predicates(&mut |predicate, _| {
            if asked.is_none() && predicate.fields().any(|field| matches!(field, FieldRef::Volume(_))) {
                asked = Some(format!("a volume cannot depend on `{predicate}`"));
            }
        });
        let Some(message) = asked else { return Some(condition) };
        let help = "volumes count tickets by what they are and what happened to them: ask for a volume in a trigger";
        self.report(Diagnostic::new(&codes::TW0304, node.span(), message).with_help(help));
        None
    }

    /// Checks `at least 20 tickets within 10 minutes`.
    fn count(&mut self, clause: &ast::CountClause) -> Option<(u32, SignedDuration)> {
        let mut values = clause.values();
        let tickets = values.next().and_then(|value| self.tickets(&value));
        let within = values.next().and_then(|value| self.within(&value));
        Some((tickets?, within?))
    }

    fn tickets(&mut self, value: &SyntaxElement) -> Option<u32> {
        let number = match value.as_token() {
            Some(token) if token.kind() == SyntaxKind::Number => self.whole(token)?,
            _ => {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "expected how many tickets");
                let error = error.with_help("write `at least 20 tickets within 10 minutes`, for example");
                self.report(match digits(&written(value)) {
                    Some(digits) => error.with_guess(span_of(value), digits),
                    None => error,
                });
                return None;
            }
        };
        let tickets = u32::try_from(number).ok().filter(|tickets| (2..=MAX_TICKETS).contains(tickets));
        if tickets.is_none() {
            let message = format!("number out of range: a volume starts with 2 to {MAX_TICKETS} tickets");
            let error = Diagnostic::new(&codes::TW0116, span_of(value), message);
            self.report(match number {
                1 => error.with_help("what one ticket is enough for is a trigger"),
                _ => {
                    error.with_help("a volume is about what comes at once; for what happened over days, write a report")
                }
            });
        }
        tickets
    }

    fn within(&mut self, value: &SyntaxElement) -> Option<SignedDuration> {
        let Duration::Clock(length) = self.delay(value)? else {
            let error = Diagnostic::new(&codes::TW0302, span_of(value), "a volume does not count business time");
            self.report(error.with_help("write a time such as `within 10 minutes` or `within 2 hours`"));
            return None;
        };
        let fits = (MIN_WITHIN..=MAX_WITHIN).contains(&length);
        if !fits {
            let message = "duration out of range: a volume counts tickets within 1 minute to 24 hours";
            let error = Diagnostic::new(&codes::TW0116, span_of(value), message);
            self.report(error.with_help("for what happened over days, write a report"));
        }
        fits.then_some(length)
    }

    /// Checks `volume "V" starts`.
    pub(super) fn volume_asked(&mut self, node: &ast::VolumeAsked) -> Option<VolumeAsked> {
        let state = match (node.starts(), node.lasts()) {
            (true, _) => VolumeState::Starts,
            (_, true) => VolumeState::Lasts,
            _ => VolumeState::Ends,
        };
        Some(VolumeAsked { volume: self.volume_title(&node.title()?)?, state })
    }

    /// Resolves the title of a volume. Reports an error if there is none.
    fn volume_title(&mut self, token: &SyntaxToken) -> Option<String> {
        let text = Text::of(token).value;
        if let Some(title) = self.uses(NameKind::Volume, &text, range(token)) {
            return Some(title);
        }
        let titles = || self.context.names.of(NameKind::Volume).map(|(title, _)| title);
        let suggestion = self.context.suggestions.nearest(self.sink.source, NameList::Volumes, &text, titles());
        let message =
            format!("no volume is titled {}{}", Quoted(&shortened(&text)), did_you_mean(suggestion.as_deref()));
        let help = match titles().next() {
            None => {
                "there is none yet: write `volume \"…\" { at least 20 tickets within 10 minutes }`, for example".into()
            }
            Some(_) => format!("there are {}", listed(titles().take(12))),
        };
        let error = Diagnostic::new(&codes::TW0207, range(token), message).with_help(help);
        self.report(match suggestion {
            Some(meant) => error.with_guess(range(token), Quoted(&meant).to_string()),
            None => error,
        });
        None
    }

    /// Checks `given volume "V" 19 tickets 2 minutes ago`.
    pub(super) fn given_volumes(&mut self, clauses: impl Iterator<Item = ast::GivenVolume>) -> Vec<GivenVolume> {
        let mut given = vec![];
        for (index, clause) in clauses.enumerate() {
            if index == MAX_GIVEN {
                let message = format!("more than {MAX_GIVEN} times `given volume` in a test");
                self.error(&codes::TW0116, clause.span(), message);
                break;
            }
            given.extend(self.given_volume(&clause));
        }
        given
    }

    fn given_volume(&mut self, node: &ast::GivenVolume) -> Option<GivenVolume> {
        let (title, count) = (node.title()?, node.count()?);
        let volume = self.volume_title(&title);
        let tickets = u32::try_from(self.whole(&count)?).ok().filter(|tickets| (1..=MAX_TICKETS).contains(tickets));
        if tickets.is_none() {
            let message = format!("number out of range: a volume counted 1 to {MAX_TICKETS} tickets before a test");
            let error = Diagnostic::new(&codes::TW0116, range(&count), message);
            self.report(error.with_help("for none, leave it out"));
        }
        if let Some(word) = node.ticket().filter(|_| tickets.is_some_and(|tickets| tickets > 1)) {
            let error = Diagnostic::new(&codes::TW0106, range(&word), "several tickets are written `tickets`");
            self.report(error.with_fix(range(&word), "tickets"));
        }
        let length = node.values().find(|v| v.text_range() != title.text_range() && v.kind() != SyntaxKind::Number)?;
        let ago = self.duration(&length)?;
        Some(GivenVolume { volume: volume?, tickets: tickets?, ago })
    }
}
