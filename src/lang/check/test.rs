//! Checks tests of rules: the initial ticket, the steps and the expectations.

use std::{ops::Range, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    Checker, NameKind, NameList, Where,
    sample::number,
    value::{NAME_THE_AGENT, no_moment, shortened, written},
};
use crate::{
    desk::{
        FieldRef, Kind, MessageFacts, Scope, Ticket, Value, Via,
        field::{Declared, Members},
        given::give,
        invariant,
        moment::moment,
        text::trim,
    },
    lang::{
        ast::{self, AstNode, Expectation, Titled, beside, span_of},
        codes,
        diagnostic::Diagnostic,
        display::Quoted,
        rules::{
            Action, EffectKind, Expect, ExpectKind, GivenAgent, GivenFired, Literal, MAX_TIMES, Mode, RuleTest, Step,
            TestComment, When,
        },
        suggest::{did_you_mean, listed, nearest},
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, range, text::Text},
    },
};

/// Maximum duration of a step that lets time pass.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// The fields and the comment in a block of a test.
#[derive(Default)]
struct Given {
    fields: Vec<(FieldRef, Literal)>,
    /// The fields that an update leaves without a value.
    emptied: Vec<FieldRef>,
    comment: Option<String>,
    /// Whether it is an update of the ticket rather than the ticket.
    is_update: bool,
    /// All field names in the block, including those with errors, with their byte ranges.
    seen: Vec<(String, Range<usize>)>,
}

impl Checker<'_, '_> {
    pub(super) fn test(&mut self, node: &ast::Test) -> Option<RuleTest> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let at = self.only(node.at()).and_then(|clause| self.at(&clause));
        let now = at.unwrap_or(RuleTest::USUAL_MOMENT);
        let mut given = Given::default();
        let fired: Vec<_> =
            node.given().filter_map(|c| c.fired()).filter_map(|fired| self.given_fired(&fired)).collect();
        let samples = self.given_samples(node.given().filter_map(|clause| clause.sample()));
        let agents: Vec<_> =
            node.given().filter_map(|c| c.agent()).filter_map(|given| self.given_agent(&given)).collect();
        let volumes = self.given_volumes(node.given().filter_map(|clause| clause.volume()));
        let of_ticket = |clause: &ast::GivenClause| {
            clause.fired().is_none()
                && clause.sample().is_none()
                && clause.agent().is_none()
                && clause.volume().is_none()
        };
        match self.only(node.given().filter(of_ticket)) {
            Some(clause) => clause.facts().for_each(|facts| self.facts(&facts, "", now, &mut given, true)),
            None if node.is_broken() => {}
            None => {
                let error =
                    Diagnostic::new(&codes::TW0115, node.title_span(), "missing `given ticket { … }` in a test");
                self.report(error.with_help("write `given ticket { channel twitter }`, for example"));
            }
        }
        let when: Vec<_> = node
            .when()
            .filter_map(|clause| {
                let when = self.happens(&clause, now)?;
                Some(Step { when, span: self.span(clause.span()) })
            })
            .collect();
        let clauses: Vec<_> = node.expect().collect();
        let expect: Vec<_> = clauses.iter().filter_map(|clause| self.expect(clause)).collect();
        if !node.is_broken() {
            for (missing, what) in [(node.when().next().is_none(), "`when`"), (clauses.is_empty(), "`expect`")] {
                if missing {
                    self.error(&codes::TW0115, node.title_span(), format!("missing {what} in a test"));
                }
            }
        }
        let late = node.when().skip(1).find(|c| c.created());
        if let Some(late) = late {
            self.error(&codes::TW0115, late.span(), "`when created` must be first and must not be repeated");
        }
        let last = node.when().last().map(|clause| clause.span());
        let early = clauses.iter().find(|clause| last.as_ref().is_some_and(|last| clause.span().start < last.start));
        if let (Some(early), Some(last)) = (early, last) {
            let message = "`expect` before a `when`: expectations are about the end of the test";
            let error = Diagnostic::new(&codes::TW0115, early.span(), message).and_label(last, "this happens after it");
            self.report(error.with_help("write it after the last `when`; what holds before is a test of its own"));
        }
        let (title, span) = node.title()?;
        let test = RuleTest {
            title,
            doc: node.doc(),
            mode,
            given: given.fields,
            comment: given.comment,
            id: number(&samples).unwrap_or_default(),
            samples,
            fired,
            agents,
            volumes,
            at,
            when,
            expect,
            span: self.span(span.clone()),
        };
        self.impossible(&test, &given.seen, span);
        Some(test)
    }

    /// Checks `given fired "T" 3 days ago`.
    fn given_fired(&mut self, node: &ast::GivenFired) -> Option<GivenFired> {
        let title = node.title()?;
        let rule = self.fired(&title);
        let times = match node.count() {
            Some(count) => {
                let times = u32::try_from(self.whole(&count)?).ok().filter(|times| (1..=MAX_TIMES).contains(times));
                if times.is_none() {
                    let message = format!("number out of range: a rule fired 1 to {MAX_TIMES} times before a test");
                    let help = "write `given fired \"…\" 3 days ago`, or `5 times 10 minutes ago`";
                    self.report(Diagnostic::new(&codes::TW0116, range(&count), message).with_help(help));
                }
                times?
            }
            None => 1,
        };
        let length = node.values().find(|v| v.text_range() != title.text_range() && v.kind() != SyntaxKind::Number)?;
        let ago = self.duration(&length)?;
        Some(GivenFired { rule: self.capped(rule?, range(&title))?, times, ago })
    }

    /// Checks `given agent "Ana" away`, `given agent "Ana" with 20 unsolved tickets`, `given last agent "Ana" 3 days ago`.
    fn given_agent(&mut self, node: &ast::GivenAgent) -> Option<(String, GivenAgent)> {
        let mut values = node.values();
        let name = values.next()?;
        let name = self.declared_name(&Declared::Agent, &written(&name), span_of(&name))?;
        let given = match (node.last(), node.count()) {
            (true, _) => GivenAgent::Last(self.duration(&values.next()?)?),
            (false, Some(count)) => {
                let tickets = u32::try_from(self.whole(&count)?).ok();
                if tickets.is_none() {
                    let message = "number out of range: an agent has 0 to 4,294,967,295 unsolved tickets";
                    let help = "write `given agent \"…\" with 20 unsolved tickets`";
                    self.report(Diagnostic::new(&codes::TW0116, range(&count), message).with_help(help));
                }
                GivenAgent::Unsolved(tickets?)
            }
            (false, None) => GivenAgent::Away,
        };
        Some((name, given))
    }

    /// Warns about a ticket that violates an invariant, at the first field involved.
    fn impossible(&mut self, test: &RuleTest, given: &[(String, Range<usize>)], title: Range<usize>) {
        // A value that cannot be given has already been reported.
        let Ok(ticket) = test.ticket(self.context.desk) else { return };
        for violation in invariant::broken(&ticket) {
            let mut fields = violation.fields.iter();
            let span = fields.find_map(|field| Some(given.iter().find(|(name, _)| name == field)?.1.clone()));
            let message = format!("impossible ticket: {}", violation.says);
            let help = "change the contradicting value, or omit it: omitted values are derived from the others";
            self.report(
                Diagnostic::new(&codes::TW0411, span.unwrap_or_else(|| title.clone()), message).with_help(help),
            );
        }
    }

    fn at(&mut self, clause: &ast::AtClause) -> Option<Timestamp> {
        let value = clause.moment()?;
        match moment(&written(&value)) {
            Ok(time) => Some(time),
            Err(why) => {
                let error = match value.kind() {
                    SyntaxKind::Instant => no_moment(&value, "moment", &why),
                    _ => Diagnostic::new(&codes::TW0302, span_of(&value), "expected a timestamp"),
                };
                self.report(error.with_help("write a timestamp with its zone, as `2026-01-05T12:00:00Z`"));
                None
            }
        }
    }

    /// Checks the values in a block. `inside` is the prefix of their names, as in `requester { … }`.
    fn facts(&mut self, facts: &ast::Facts, inside: &str, now: Timestamp, given: &mut Given, comment: bool) {
        // Where a fact is crowded by something else, its value is not known.
        let crowded = |fact: &ast::Fact| beside(fact.syntax()).is_some_and(|next| next.kind() == SyntaxKind::BadFact);
        for fact in facts.facts().filter(|fact| !crowded(fact)) {
            self.fact(&fact, inside, now, given, comment);
        }
    }

    fn fact(&mut self, fact: &ast::Fact, inside: &str, now: Timestamp, given: &mut Given, comment: bool) {
        let Some(path) = fact.name() else { return };
        let name = format!("{inside}{}", path.text());
        if let Some(block) = fact.facts() {
            if matches!(name.as_str(), "requester" | "post" | "field" | "requester.field") {
                return self.facts(&block, &format!("{name}."), now, given, false);
            }
            let message = format!("`{name}` takes one value; only `requester`, `post` and `field` take braces");
            return self.error(&codes::TW0115, range(&path), message);
        }
        if given.seen.iter().any(|(seen, _)| *seen == name) {
            return self.error(&codes::TW0115, range(&path), format!("duplicate `{name}`"));
        }
        given.seen.push((name.clone(), range(&path)));
        if name == "comment" && comment {
            let text = fact.text();
            if text.is_none() {
                self.error(&codes::TW0302, fact.span(), "expected a string in double quotes as the comment");
            }
            given.comment = text.map(|t| Text::of(&t).value);
            return;
        }
        if name == "by" && given.is_update {
            let error = Diagnostic::new(&codes::TW0115, fact.span(), "who updates the ticket stands before the braces");
            return self.report(error.with_help("write `when updated by agent \"…\" { … }`"));
        }
        let Some(field) = FieldRef::find(&name, self.context.desk) else {
            return self.unknown_name(&name, range(&path), true);
        };
        if field.scope() != Scope::Ticket && !(given.is_update && field.is_given_with_comment()) {
            let message = format!("`{field}` cannot be given in a test");
            let help = match field.scope() {
                Scope::Event if field.is_given_with_comment() => {
                    "it comes with a comment: write `when updated { comment \"…\", comment.media photo }`, for example"
                }
                Scope::Event => "it comes from the event: write `when comment \"…\"`, for example",
                Scope::Clock => "it comes from the time: write `at 2026-01-05T12:00:00Z`, for example",
                _ => "give `requester.name` or a `comment` instead",
            };
            return self.report(Diagnostic::new(&codes::TW0306, range(&path), message).with_help(help));
        }
        if field.follows_from_sla() {
            let message = format!("`{field}` cannot be given in a test");
            let help = "it follows from the ticket and the `sla` that applies to it: write `expect …`";
            return self.report(Diagnostic::new(&codes::TW0306, range(&path), message).with_help(help));
        }
        if given.is_update && field.never_changes() {
            let message = format!("`{field}` never changes: it is what the ticket was opened with");
            let error = Diagnostic::new(&codes::TW0115, range(&path), message);
            return self.report(error.with_help("write it in `given ticket { … }`"));
        }
        if let Some(word) = word_empty(fact).filter(|_| field.scope() == Scope::Ticket) {
            return self.emptied(field, &word, given);
        }
        let literal = match fact.tags() {
            Some(list) => self.given_set(&Members::Tags, list.values()),
            None if let Some(list) = fact.choices() => match field.kind() {
                Kind::Set(members) => self.given_set(&members, list.values()),
                _ => {
                    let more = list.values().nth(1).map(|value| span_of(&value)).unwrap_or_default();
                    self.error(&codes::TW0310, more, format!("`{field}` takes one value, not a list"));
                    None
                }
            },
            None => fact.value().and_then(|value| self.given_value(&field, &value, fact, now)),
        };
        if literal.as_ref().is_some_and(Literal::asks_me) {
            let error = Diagnostic::new(&codes::TW0302, fact.span(), "`me` is nobody here");
            return self.report(error.with_help(format!("name the agent, as in `{field} \"Ana\"`")));
        }
        given.fields.extend(literal.map(|literal| (field, literal)));
    }

    /// Checks that an update may leave a field without a value.
    fn emptied(&mut self, field: FieldRef, word: &SyntaxElement, given: &mut Given) {
        let takes_no_value = || field.writable() || give(Ticket::default(), &field, Value::Empty).is_ok();
        let can_be_empty = !field.always_has_a_value() && takes_no_value();
        let (message, help) = match () {
            () if !can_be_empty => (format!("`{field}` is never empty"), "give it a value, or leave it out"),
            () if !given.is_update => (format!("`{field}` is empty unless it is given"), "leave it out"),
            () => return given.emptied.push(field),
        };
        self.report(Diagnostic::new(&codes::TW0306, span_of(word), message).with_help(help));
    }

    /// Checks the members of a set.
    fn given_set(&mut self, members: &Members, values: impl IntoIterator<Item = SyntaxElement>) -> Option<Literal> {
        let values = values.into_iter().map(|value| self.named_member(members, &value, NAME_THE_AGENT));
        let values: Vec<_> = values.collect();
        values.into_iter().collect::<Option<Vec<_>>>().map(Literal::Set)
    }

    fn given_value(
        &mut self,
        field: &FieldRef,
        value: &SyntaxElement,
        fact: &ast::Fact,
        now: Timestamp,
    ) -> Option<Literal> {
        if value.kind() == SyntaxKind::Duration && field.kind() == Kind::Time {
            let span = self.duration(value)?;
            if !fact.ago() || span.is_business() {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "expected a timestamp");
                self.report(error.with_help(format!("write `{field} 5 days ago`, or a timestamp")));
                return None;
            }
            return now.checked_sub(span.length(&self.context.desk.hours)).ok().map(Literal::Time);
        }
        if fact.ago() && value.kind() != SyntaxKind::Duration {
            let error = Diagnostic::new(&codes::TW0302, span_of(value), "only a length of time can be `ago`");
            self.report(error.with_help(format!("write `{field} {}`, without `ago`", written(value))));
            return None;
        }
        if let Kind::Set(members) = field.kind()
            && value.kind() == SyntaxKind::List
        {
            let values = self.list_of(value)?;
            return self.given_set(&members, values);
        }
        self.literal(field, value)
    }

    fn happens(&mut self, clause: &ast::HappensClause, now: Timestamp) -> Option<When> {
        if clause.created() {
            return Some(When::Created);
        }
        if let Some(passing) = clause.passing() {
            return self.passing(&passing);
        }
        if let Some(applied) = clause.applied() {
            return self.applied(&applied);
        }
        if let Some(comment) = clause.comment() {
            let comment = self.comment(&comment)?;
            return Some(When::Updated { by: None, set: vec![], emptied: vec![], comment: Some(comment), via: None });
        }
        let by = match clause.by() {
            Some(by) => Some(self.by_agent(&by)?),
            None => None,
        };
        if let Some(late) = clause.by_after_update() {
            let error = Diagnostic::new(&codes::TW0115, late.span(), "who updates the ticket stands before the braces");
            self.report(error.with_help(format!("write `when updated {} {{ … }}`", late.syntax())));
        }
        let Some(update) = clause.update() else {
            return Some(When::Updated { by, set: vec![], emptied: vec![], comment: None, via: None });
        };
        let mut given = Given { is_update: true, ..Given::default() };
        for fact in update.facts() {
            self.fact(&fact, "", now, &mut given, false);
        }
        let mut comments: Vec<_> = update.comments().collect();
        if comments.len() > 1 {
            let span = comments.pop().map(|c| c.span()).unwrap_or_default();
            self.error(&codes::TW0115, span, "duplicate comment: write a second `when`");
        }
        let via = update.via().and_then(|via| self.via(&via));
        let comment = comments.first().and_then(|c| {
            let comment = self.comment(c)?;
            match &by {
                // The comment of an agent's update is that agent's.
                Some(_) if c.requester() => {
                    let message = "the requester comments in an update of an agent";
                    let error = Diagnostic::new(&codes::TW0115, c.span(), message);
                    self.report(error.with_help("write `comment \"…\"`, or a second `when` for the requester"));
                    None
                }
                by => Some(TestComment { by_agent: comment.by_agent || by.is_some(), ..comment }),
            }
        });
        if comment.is_none()
            && let Some((name, span)) = given.seen.iter().find(|(name, _)| name.starts_with("comment."))
        {
            let error =
                Diagnostic::new(&codes::TW0115, span.clone(), format!("`{name}` is of a comment, and there is none"));
            self.report(error.with_help("write `comment \"…\"` beside it"));
            return None;
        }
        let (of_comment, set): (Vec<_>, Vec<_>) =
            given.fields.into_iter().partition(|(field, _)| field.scope() == Scope::Event);
        let comment = comment.map(|mut comment| {
            of_comment.iter().for_each(|(field, literal)| comment.facts.give(field, literal.value()));
            comment
        });
        Some(When::Updated { by, set, emptied: given.emptied, comment, via })
    }

    fn passing(&mut self, node: &ast::Passing) -> Option<When> {
        let value = node.length()?;
        let span = self.duration(&value)?;
        // Evaluation takes time for every minute in which an automation may come due.
        if span.length(&self.context.desk.hours) > MAX_WAIT {
            let error =
                Diagnostic::new(&codes::TW0116, span_of(&value), "time out of range: a test covers at most ten years");
            self.report(error);
            return None;
        }
        Some(When::Passes(span))
    }

    /// Resolves the agent who acts in a test.
    fn by_agent(&mut self, node: &ast::ByAgent) -> Option<String> {
        let value = node.name()?;
        self.declared_name(&Declared::Agent, &written(&value), span_of(&value))
    }

    fn applied(&mut self, node: &ast::Applied) -> Option<When> {
        let token = &node.title()?;
        let by = match node.by() {
            Some(by) => Some(self.by_agent(&by)?),
            None => None,
        };
        let title = Text::of(token).value;
        let declared = self.uses(NameKind::Macro, &title, range(token));
        let macros = &self.context.macros;
        match macros.iter().find(|m| Some(&m.title) == declared.as_ref()) {
            Some(found) if found.mode == Mode::Disabled => {
                self.error(&codes::TW0207, range(token), "a disabled macro cannot be applied");
                None
            }
            Some(found) if by.is_none() && found.then.iter().any(Action::needs_agent) => {
                let message = "this macro needs to know which agent applies it";
                let help = format!("write `when macro {} by agent \"Ana\"`", Quoted(&found.title));
                self.report(Diagnostic::new(&codes::TW0115, range(token), message).with_help(help));
                None
            }
            Some(found) => Some(When::Macro { applied: Arc::clone(found), by }),
            // Declared, but with errors, which have been reported.
            None if declared.is_some() => None,
            None => {
                let known = macros.iter().map(|m| m.title.as_str());
                let suggestion = self.context.suggestions.nearest(self.sink.source, NameList::Macros, &title, known);
                let suggestion = suggestion.as_deref();
                let message = format!("unknown macro `{}`{}", shortened(&title), did_you_mean(suggestion));
                let error = Diagnostic::new(&codes::TW0207, range(token), message);
                self.report(match suggestion {
                    Some(meant) => error.with_guess(range(token), Quoted(meant).to_string()),
                    None => error.with_help("`twite rules` lists the macros"),
                });
                None
            }
        }
    }

    fn comment(&mut self, node: &ast::CommentPart) -> Option<TestComment> {
        let text = Text::of(&node.text()?).value;
        let note = node.note();
        Some(TestComment { by_agent: note || node.agent(), public: !note, text, facts: MessageFacts::default() })
    }

    fn via(&mut self, node: &ast::Via) -> Option<Via> {
        let value = node.value()?;
        let text = written(&value);
        let text = trim(&text);
        if let Ok(via) = text.parse() {
            return Some(via);
        }
        let words = Via::WORDS.words;
        let suggestion = nearest(&text, words.iter().copied());
        let message = format!("unknown channel `{}`{}", shortened(&text), did_you_mean(suggestion));
        let help = format!("expected {}", listed(words.iter().copied()));
        self.report(Diagnostic::new(&codes::TW0204, span_of(&value), message).with_help(help));
        None
    }

    fn expect(&mut self, clause: &ast::ExpectClause) -> Option<Expect> {
        let fired = |checker: &mut Self, title: Option<SyntaxToken>| title.and_then(|title| checker.fired(&title));
        let kind = match clause.what()? {
            Expectation::Fired(rule) => {
                let title = fired(self, rule.title())?;
                match rule.count() {
                    None if rule.once() => ExpectKind::FiredTimes(title, 1),
                    None => ExpectKind::Fired(title),
                    Some(count) => ExpectKind::FiredTimes(title, self.times_fired(&count)?),
                }
            }
            Expectation::NotFired(rule) => ExpectKind::NotFired(fired(self, rule.title())?),
            Expectation::Nothing(_) => ExpectKind::NothingFired,
            Expectation::Held(rule) => {
                let title = rule.title()?;
                let rule = self.fired(&title)?;
                ExpectKind::HeldBack(self.capped(rule, range(&title))?)
            }
            Expectation::Sent(sent) => self.sent(&sent)?,
            Expectation::Holds(condition) => ExpectKind::Holds(self.condition(&condition, Where::Run)?),
        };
        Some(Expect { kind, span: self.span(clause.span()) })
    }

    fn fired(&mut self, token: &SyntaxToken) -> Option<String> {
        let title = Text::of(token).value;
        if let Some(title) = self.uses(NameKind::Rule, &title, range(token)) {
            return Some(title);
        }
        let firing = self.context.names.of(NameKind::Rule).map(|(title, _)| title);
        let suggestion = self.context.suggestions.nearest(self.sink.source, NameList::Firing, &title, firing);
        let message =
            format!("unknown trigger or automation `{}`{}", shortened(&title), did_you_mean(suggestion.as_deref()));
        let error = Diagnostic::new(&codes::TW0207, range(token), message);
        self.report(match suggestion {
            Some(meant) => error.with_guess(range(token), Quoted(&meant).to_string()),
            None => error.with_help("`twite rules` lists triggers and automations"),
        });
        None
    }

    fn times_fired(&mut self, count: &SyntaxToken) -> Option<u32> {
        let times = u32::try_from(self.whole(count)?).ok().filter(|times| (1..=MAX_TIMES).contains(times));
        let span = range(count);
        if times.is_none() {
            let message = format!("number out of range: a test expects a rule to fire 1 to {MAX_TIMES} times");
            let error = Diagnostic::new(&codes::TW0116, span, message);
            self.report(error.with_help("for a rule that does not fire, write `expect not fired \"…\"`"));
        } else if times == Some(1) {
            let written = count.parent().into_iter().flat_map(|node| node.children_with_tokens());
            let end = written.filter(|e| e.to_string() == "times").last().map_or(span.end, |times| span_of(&times).end);
            let span = span.start..end;
            let error = Diagnostic::new(&codes::TW0106, span.clone(), "`1 times` is written `once`");
            self.report(error.with_fix(span, "once"));
        }
        times
    }

    /// Reports an error if a rule has no cap.
    fn capped(&mut self, rule: String, span: Range<usize>) -> Option<String> {
        if self.context.capped.contains(&rule) {
            return Some(rule);
        }
        let message = format!("{} has no `at most`, so nothing holds it back", Quoted(&shortened(&rule)));
        let help = "write `at most once per requester per 30 days` in the rule, for example";
        self.report(Diagnostic::new(&codes::TW0115, span, message).with_help(help));
        None
    }

    fn sent(&mut self, node: &ast::ExpectSent) -> Option<ExpectKind> {
        let effect = node.effect()?;
        let holds = node.text().map(|text| Text::of(&text).value.as_str().into());
        let kind = if effect.reply() {
            match effect.from() {
                Some(from) => EffectKind::Reply(Some(self.reply_from(&from)?)),
                None => EffectKind::Reply(None),
            }
        } else if effect.direct() {
            EffectKind::Message
        } else if effect.note() {
            EffectKind::Note
        } else if effect.notify() {
            match effect.recipient() {
                Some(recipient) => EffectKind::Notify(Some(self.recipient(&recipient)?)),
                None => EffectKind::Notify(None),
            }
        } else if effect.remind() {
            match effect.recipient() {
                Some(recipient) => EffectKind::Remind(Some(self.recipient(&recipient)?)),
                None => EffectKind::Remind(None),
            }
        } else if effect.assign() {
            EffectKind::Assign
        } else if effect.merge() {
            EffectKind::Merge
        } else if let Some(node) = effect.at_x() {
            EffectKind::AtX(self.at_x(&node)?)
        } else {
            EffectKind::Webhook(effect.webhook().and_then(|t| self.webhook_name(&t))?)
        };
        let sent = if node.no() { ExpectKind::NotSent } else { ExpectKind::Sent };
        Some(sent(kind, holds))
    }
}

/// The word `empty`, if it is the one value of a fact: as in conditions, it is no value. In quotes, it is one.
fn word_empty(fact: &ast::Fact) -> Option<SyntaxElement> {
    let mut values: Vec<_> = match (fact.tags(), fact.choices()) {
        (Some(tags), _) => tags.values().collect(),
        (None, Some(choices)) => choices.values().collect(),
        (None, None) => fact.value().into_iter().collect(),
    };
    let is_empty = |value: &SyntaxElement| value.kind() == SyntaxKind::Path && written(value) == "empty";
    values.pop().filter(|value| values.is_empty() && !fact.ago() && is_empty(value))
}
