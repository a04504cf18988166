//! Checks actions.

use std::ops::Range;

use super::{
    Checker, NameList,
    value::{is_me, written},
};
use crate::{
    desk::{
        Account, Choosing, FieldRef, Kind, Owner, Satisfaction, Scope, XAction,
        field::{Declared, FIELDS, Members},
    },
    lang::{
        ast::{self, AstNode, span_of},
        codes,
        diagnostic::Diagnostic,
        foreign::{is_nothing, translated},
        rules::{Action, ActionKind, Capture, Duration, Literal, Member, Part, PreferLast, SetTo, Template, Texts},
        suggest::{did_you_mean, listed, nearest},
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, range, text::Text},
    },
};

/// The help for a text about a person that repeats a message.
const OUTLIVES: &str =
    "what is kept about a person outlives a message that is deleted at X; set a field of the ticket instead";

impl Checker<'_, '_> {
    /// Checks the actions of a `then` clause, in order; actions with errors are omitted.
    pub(super) fn actions(&mut self, then: &ast::ThenClause) -> Vec<Action> {
        let mut actions = vec![];
        for node in then.actions() {
            if let Some(kind) = self.action(&node) {
                actions.push(Action { kind, span: self.span(node.span()) });
            }
        }
        if let Some(at) = actions.iter().position(|a| a.kind == ActionKind::Stop)
            && at + 1 < actions.len()
        {
            let span = then.actions().find(|a| matches!(a, ast::Action::Stop(_))).map(|a| a.span());
            let error = Diagnostic::new(&codes::TW0115, span.unwrap_or_default(), "`stop` must be the last action");
            self.report(error.with_help("`stop` ends the run after all actions of this trigger"));
        }
        actions
    }

    fn action(&mut self, action: &ast::Action) -> Option<ActionKind> {
        match action {
            ast::Action::Set(node) => self.set(node),
            ast::Action::Clear(node) => self.clear(node),
            ast::Action::Tags(node) => self.tags_action(node),
            ast::Action::Assign(node) => self.assign(node),
            ast::Action::Reply(node) => self.reply(node),
            ast::Action::Direct(node) => {
                let may = self.may_message(node.span());
                self.texts_of(node.text(), node.by_language()).filter(|_| may).map(ActionKind::Message)
            }
            ast::Action::Ask(node) => self.texts_of(node.text(), node.by_language()).map(ActionKind::Ask),
            ast::Action::Note(node) => self.text_of(node.text()).map(ActionKind::Note),
            ast::Action::Notify(node) => self.notify(node),
            ast::Action::Remind(node) => self.remind(node),
            ast::Action::Webhook(node) => self.webhook(node),
            ast::Action::Snooze(node) => node.length().and_then(|v| self.delay(&v)).map(ActionKind::Snooze),
            ast::Action::Merge(_) => Some(ActionKind::Merge),
            ast::Action::AtX(node) => self.at_x(node).map(ActionKind::AtX),
            ast::Action::Stop(_) => Some(ActionKind::Stop),
        }
    }

    fn reply(&mut self, node: &ast::ReplyAction) -> Option<ActionKind> {
        let from = match node.from() {
            Some(from) => Some(self.reply_from(&from)?),
            None => None,
        };
        self.texts_of(node.text(), node.by_language()).map(|texts| ActionKind::Reply { from, texts })
    }

    /// Checks the account that a reply is sent from: it must allow replies.
    pub(super) fn reply_from(&mut self, node: &ast::ReplyFrom) -> Option<String> {
        let value = node.account()?;
        let Literal::Word { word: handle, .. } = self.declared(&Declared::Account, &value)? else { return None };
        let account = self.context.desk.accounts.get(&handle);
        if account.is_none_or(|account| account.allow_replies) {
            return Some(handle);
        }
        let message = format!("@{handle} is declared with `allow_replies = false`");
        let error = Diagnostic::new(&codes::TW0314, span_of(&value), message);
        self.report(error.with_help("write `allow_replies = true` in its `[[account]]`, or name another account"));
        None
    }

    /// Checks that an account may send direct messages. Their answers must arrive, so it must import them too.
    pub(super) fn may_message(&mut self, span: Range<usize>) -> bool {
        let mut accounts = self.context.desk.accounts.iter();
        if accounts.any(Account::allow_messages) || self.context.has_gap("account") {
            return true;
        }
        let error = Diagnostic::new(&codes::TW0314, span, "no account may send direct messages");
        let help =
            "write `allow_replies = true` and `capture_direct_messages = true` in an `[[account]]` of `twite.toml`";
        self.report(error.with_help(help));
        false
    }

    /// Checks what is done at X: an account must allow it.
    pub(super) fn at_x(&mut self, node: &ast::XAction) -> Option<XAction> {
        let what = match () {
            () if node.like() => XAction::Like,
            () if node.hide() => XAction::Hide,
            () if node.mute() => XAction::Mute,
            () if node.unmute() => XAction::Unmute,
            () if node.block() => XAction::Block,
            () => XAction::Unblock,
        };
        if let Some(reply) = node.reply() {
            let error = Diagnostic::new(&codes::TW0106, node.span(), format!("write `{what}`"));
            self.report(error.with_fix(range(&reply), "post"));
        }
        if self.context.desk.accounts.iter().any(|account| account.allow_actions) || self.context.has_gap("account") {
            return Some(what);
        }
        let error = Diagnostic::new(&codes::TW0314, node.span(), format!("no account may {what}"));
        self.report(error.with_help("write `allow_actions = true` in an `[[account]]` of `twite.toml`"));
        None
    }

    /// Resolves a field that rules can set. Reports an error if it is read-only.
    fn writable(&mut self, path: &SyntaxToken) -> Option<FieldRef> {
        let field = self.field(path)?;
        if field.writable() {
            return Some(field);
        }
        let settable = FIELDS.iter().filter(|f| f.is_writable()).map(|f| f.name);
        let message = match field.scope() {
            Scope::Event => format!("rules cannot set the event field `{field}`"),
            _ => format!("rules cannot set `{field}`"),
        };
        let help = format!(
            "rules can set {}, `field.NAME` and `requester.field.NAME`",
            listed(settable).replace(" or ", ", ")
        );
        self.report(Diagnostic::new(&codes::TW0305, range(path), message).with_help(help));
        None
    }

    fn set(&mut self, node: &ast::SetAction) -> Option<ActionKind> {
        let path = node.field()?;
        let values: Vec<_> = node.values().collect();
        let field = self.writable(&path)?;
        if let Some(capture) = node.capture() {
            return self.set_to_match(field, &capture);
        }
        if let Kind::Set(members) = field.kind() {
            let values = match values.as_slice() {
                [list] if list.kind() == SyntaxKind::List => self.list_of(list)?,
                _ => values,
            };
            let help = format!("write `add {field} me`, or name the agent");
            let values: Vec<_> = values.iter().map(|value| self.named_member(&members, value, &help)).collect();
            let values = values.into_iter().collect::<Option<Vec<_>>>()?;
            return Some(ActionKind::Set(field, SetTo::Literal(Literal::Set(values))));
        }
        let value = values.first()?;
        if let Some(more) = values.get(1) {
            let error =
                Diagnostic::new(&codes::TW0310, span_of(more), format!("`{field}` takes one value, not a list"));
            self.report(match field.kind() {
                Kind::Decimal => error.with_help(format!("write a point before the fraction: `{value}.{more}`")),
                _ => error.with_help(format!("write `set {field} to {value}`")),
            });
            return None;
        }
        if let Some(other) = self.other_field(&field, value) {
            return self.set_to_field(field, other?, value, node);
        }
        if let Some(sum) = node.sum() {
            let message = "something can only be added to the value of a field";
            let help = match field.kind() {
                Kind::Number | Kind::Decimal => format!("write `set {field} to {field} + 1`, or the result"),
                Kind::Date => format!("write `set {field} to date + 3 days`; `date` is today"),
                kind => format!("`{field}` is {kind}: only numbers and dates can be added to"),
            };
            self.report(Diagnostic::new(&codes::TW0302, sum.span(), message).with_help(help));
            return None;
        }
        if let Some(text) = value.as_node().cloned().and_then(ast::Template::cast)
            && field.kind() == Kind::Text
        {
            let template = self.template(&text)?;
            return self
                .may_keep(&field, &template, &text)
                .then_some(ActionKind::Set(field, SetTo::Template(template)));
        }
        if node.says_empty() {
            let help = format!("write `clear {field}`");
            let error = Diagnostic::new(&codes::TW0302, span_of(value), "`set` cannot empty a field");
            self.report(error.with_help(help.clone()).with_fix(node.span(), format!("clear {field}")));
            return None;
        }
        let literal = self.literal(&field, value)?;
        if let Literal::Number(_) = literal {
            self.can_equal(&field, &literal, value)?;
        }
        self.set_to(field, literal, value)
    }

    /// Sets a declared field to a part of a text.
    fn set_to_match(&mut self, field: FieldRef, node: &ast::Capture) -> Option<ActionKind> {
        let (text, path) = (node.text()?, node.from()?);
        let from = self.field(&path)?;
        let kind = field.kind();
        let is_taken = matches!(kind, Kind::Text | Kind::Number | Kind::Decimal | Kind::Date);
        if !is_taken || !matches!(field, FieldRef::Custom(_)) {
            let message = format!("`{field}` cannot be set to a part of a text");
            let help =
                "declared fields that hold a text, a number or a date can: declare one as `[[field]]` in `twite.toml`";
            self.report(Diagnostic::new(&codes::TW0301, node.span(), message).with_help(help));
            return None;
        }
        if from.kind() != Kind::Text {
            let message = format!("`{from}` is {}, not text", from.kind());
            let help = "write `description` or `comment.text`, for example";
            self.report(Diagnostic::new(&codes::TW0301, range(&path), message).with_help(help));
            return None;
        }
        if from.scope() == Scope::Event && !self.told {
            let error = Diagnostic::new(&codes::TW0304, range(&path), format!("`{from}` needs a comment"));
            self.report(error.with_help("only triggers run on a comment; write `description` or `latest_comment`"));
            return None;
        }
        if Owner::split(&field.name()).0 == Owner::Requester {
            let message = format!("`{field}` cannot keep a part of `{from}`, which may repeat a message");
            self.report(Diagnostic::new(&codes::TW0313, node.span(), message).with_help(OUTLIVES));
            return None;
        }
        let written = Text::of(&text);
        let pattern = self.pattern(&text, &written)?;
        self.can_match(&from, &pattern, range(&text))?;
        let capture = Capture::new(&written.value).ok()?;
        if capture.groups() != 1 {
            let message = match capture.groups() {
                0 => "the pattern has no group, which says what part is meant".to_owned(),
                groups => format!("the pattern has {groups} groups, and only one part can be kept"),
            };
            let help = "write parentheses around the part, as in `\"order (44\\\\d{5})\"`, and `(?:…)` around what only belongs together";
            self.report(Diagnostic::new(&codes::TW0307, range(&text), message).with_help(help));
            return None;
        }
        Some(ActionKind::Set(field, SetTo::Match { capture, from }))
    }

    /// Sets a field to the value of another, or of itself, with a number added to it.
    fn set_to_field(
        &mut self,
        field: FieldRef,
        from: FieldRef,
        value: &SyntaxElement,
        node: &ast::SetAction,
    ) -> Option<ActionKind> {
        let (kind, other) = (field.kind(), from.kind());
        let mut error = |message: String, help: &str| {
            self.report(Diagnostic::new(&codes::TW0301, span_of(value), message).with_help(help));
            None
        };
        if !matches!(from.scope(), Scope::Ticket | Scope::Clock) {
            let message = format!("`{from}` is no field of the ticket");
            return error(message, "fields of the ticket, and `date`, can be copied");
        }
        let fits = match (&kind, &other) {
            (Kind::YesNo, Kind::YesNo) => true,
            (Kind::Declared(Declared::Choice(_)), Kind::Declared(Declared::Choice(_))) => false,
            (a, b) => a.compares_with(b),
        };
        if !fits {
            let message = match kind == other || kind.compares_with(&other) {
                true => format!("the value of `{from}` cannot be copied to `{field}`"),
                false => format!("`{field}` is {kind}, but `{from}` is {other}"),
            };
            return error(
                message,
                "a field can be set to the value of a field of the same kind, but choices and sets to their own only",
            );
        }
        if Owner::split(&field.name()).0 == Owner::Requester && may_repeat_a_message(&from) {
            let message = format!("`{field}` cannot keep `{from}`, which may repeat a message");
            let error = Diagnostic::new(&codes::TW0313, span_of(value), message);
            self.report(error.with_help(OUTLIVES));
            return None;
        }
        let plus = match node.sum() {
            Some(sum) => self.summand(&field, &sum)?,
            None if field == from => {
                let message = format!("`{field}` is set to itself");
                return error(message, "write what is added, as in `+ 1`, or another field");
            }
            None => 0,
        };
        Some(ActionKind::Set(field, SetTo::Field { from, plus }))
    }

    /// What is added to the value of a field of this kind.
    fn summand(&mut self, field: &FieldRef, sum: &ast::Sum) -> Option<i64> {
        let value = sum.value()?;
        let plus = match field.kind() {
            Kind::Number | Kind::Decimal => match self.literal(field, &value)? {
                Literal::Decimal(decimal) => decimal.units(),
                Literal::Number(number) => number,
                _ => return None,
            },
            Kind::Date => {
                const DAY: i64 = 24 * 3600;
                let written = value.as_node().cloned().and_then(ast::Duration::cast);
                // How long business days are does not matter here.
                let length = match written.is_some_and(|length| length.business()) {
                    true => None,
                    false => Some(self.duration(&value)?),
                };
                let Some(Duration::Clock(length)) =
                    length.filter(|l| matches!(l, Duration::Clock(l) if l.as_secs() % DAY == 0))
                else {
                    let error = Diagnostic::new(&codes::TW0302, span_of(&value), "a date takes whole days");
                    self.report(error.with_help("write `+ 3 days`, or weeks; business time cannot be added to a date"));
                    return None;
                };
                length.as_secs() / DAY
            }
            kind => {
                let message = format!("`{field}` is {kind}: only numbers and dates can be added to");
                self.report(Diagnostic::new(&codes::TW0301, sum.span(), message).with_help("leave it out"));
                return None;
            }
        };
        if plus == 0 {
            self.error(&codes::TW0302, sum.span(), "this adds nothing");
            return None;
        }
        let is_minus = sum.sign().is_some_and(|sign| sign.text() != "+");
        Some(if is_minus { plus.saturating_neg() } else { plus })
    }

    /// Sets a field to a value, which is `me` only where an agent acts.
    fn set_to(&mut self, field: FieldRef, literal: Literal, value: &SyntaxElement) -> Option<ActionKind> {
        if field.name() == "satisfaction"
            && let Literal::Word { word, .. } = &literal
            && word.parse().is_ok_and(Satisfaction::is_of_delivery)
        {
            let message = format!("rules cannot set `satisfaction` to `{word}`, which says what became of a question");
            let error = Diagnostic::new(&codes::TW0305, span_of(value), message);
            self.report(error.with_help(
                "write `ask for satisfaction \"…\"` to ask, and `clear satisfaction` so that the requester can be asked again",
            ));
            return None;
        }
        let help = "automations run as time passes; name the agent, as in `assign to agent \"Ana\"`";
        let can = !literal.asks_me() || self.somebody_acts(span_of(value), help);
        can.then(|| ActionKind::Set(field, SetTo::Literal(literal)))
    }

    /// Whether a text may be kept in a field. A text about a person cannot repeat a message: it would outlive the deletion of
    /// the message in the person's other tickets. Reports an error if not.
    fn may_keep(&mut self, field: &FieldRef, template: &Template, node: &ast::Template) -> bool {
        if Owner::split(&field.name()).0 == Owner::Ticket {
            return true;
        }
        let of_message = |part: &Part| match part {
            Part::Placeholder { field, .. } => may_repeat_a_message(field).then(|| field.name().into_owned()),
            Part::Text(_) | Part::Conversation => None,
        };
        let Some(name) = template.parts.iter().find_map(of_message) else { return true };
        let message = format!("`{field}` cannot keep `{name}`, which may repeat a message");
        let error = Diagnostic::new(&codes::TW0313, node.span(), message);
        self.report(error.with_help(OUTLIVES));
        false
    }

    fn clear(&mut self, node: &ast::ClearAction) -> Option<ActionKind> {
        let path = node.field()?;
        let field = self.writable(&path)?;
        if field.name() == "status" {
            let help = "every ticket has a status; set another one";
            self.report(Diagnostic::new(&codes::TW0305, range(&path), "`status` cannot be cleared").with_help(help));
            return None;
        }
        Some(ActionKind::Clear(field))
    }

    fn tags_action(&mut self, node: &ast::TagsAction) -> Option<ActionKind> {
        if let Some(word) = node.dotted() {
            let error = Diagnostic::new(&codes::TW0106, range(&word), format!("unknown keyword `{}`", word.text()));
            self.report(error.with_help("write `requester tags`").with_fix(range(&word), "requester tags"));
        }
        if let Some(word) = node.tag() {
            let error = Diagnostic::new(&codes::TW0106, range(&word), "unknown keyword `tag`: write `tags`");
            self.report(error.with_fix(range(&word), "tags"));
        }
        let values: Vec<_> = node.values().collect();
        let values = match values.as_slice() {
            [list] if list.kind() == SyntaxKind::List => {
                let bare: Vec<_> = self.list_of(list)?.iter().map(ToString::to_string).collect();
                let what = if node.field().is_some() { "values" } else { "tags" };
                let message = format!("write these {what} without parentheses");
                let error = Diagnostic::new(&codes::TW0310, span_of(list), message);
                self.report(error.with_fix(span_of(list), bare.join(", ")));
                return None;
            }
            _ => values,
        };
        let field = match node.field() {
            Some(path) => self.field(&path)?,
            None if node.requester() || node.dotted().is_some() => FieldRef::find("requester.tags", self.context.desk)?,
            None => FieldRef::find("tags", self.context.desk)?,
        };
        let word = if node.add() { "add" } else { "remove" };
        let Kind::Set(members) = field.kind() else {
            let message = format!("`{field}` is {}, but `{word}` is for sets", field.kind());
            let help = format!("write `set {field} to …` or `clear {field}`");
            self.report(Diagnostic::new(&codes::TW0301, node.span(), message).with_help(help));
            return None;
        };
        let values: Vec<_> = values.iter().map(|value| self.acting_member(&members, value)).collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        Some(if node.add() { ActionKind::Add(field, values) } else { ActionKind::Remove(field, values) })
    }

    /// Checks a member of a set that is added or removed, which is `me` only where an agent acts.
    fn acting_member(&mut self, members: &Members, value: &SyntaxElement) -> Option<Member> {
        let member = self.member(members, value)?;
        let help = "automations run as time passes; name the agent, as in `add watchers \"Ana\"`";
        (member != Member::Me || self.somebody_acts(span_of(value), help)).then_some(member)
    }

    fn assign(&mut self, node: &ast::AssignAction) -> Option<ActionKind> {
        let value = node.value()?;
        if value.kind() == SyntaxKind::MyGroups {
            self.declared(&Declared::Group, &value)?;
        }
        if let Some(how) = node.choosing() {
            let choosing = if how.next() { Choosing::Next } else { Choosing::LeastBusy };
            let group = self.declared_name(&Declared::Group, &written(&value), span_of(&value))?;
            let last = match how.last() {
                None => None,
                Some(last) => {
                    let within = match last.within() {
                        None => None,
                        Some(within) => Some(self.delay(&within)?),
                    };
                    Some(PreferLast { within })
                }
            };
            let under = match node.under() {
                None => None,
                Some(under) => Some(self.under(&under)?),
            };
            let can = self.can_choose(&group, &value);
            return can.then_some(ActionKind::Assign { group, choosing, last, under });
        }
        let (name, declared) = match (node.group(), node.agent()) {
            (true, _) => ("group", Declared::Group),
            (_, true) if is_me(&value) => {
                let error = Diagnostic::new(&codes::TW0115, node.span(), "`me` is an agent already");
                self.report(error.with_help("write `assign to me`").with_fix(node.span(), "assign to me"));
                return None;
            }
            (_, true) => ("assignee", Declared::Agent),
            _ if is_me(&value) => ("assignee", Declared::Agent),
            _ => {
                let text = written(&value);
                let which = match self.context.desk.declared(&Declared::Agent).contains(&text.as_str()) {
                    true => "agent",
                    false => "group",
                };
                let error =
                    Diagnostic::new(&codes::TW0115, span_of(&value), "expected `group` or `agent` before the name");
                if text == "me" || translated(&text, ["me"]).is_some() {
                    self.report(error.with_help("did you mean `me`?").with_guess(span_of(&value), "me"));
                    return None;
                }
                let at = span_of(&value).start;
                let help = format!("write `assign to {which} {value}`");
                self.report(match is_nothing(&text) {
                    true => error.with_help("to assign a ticket to nobody, write `clear assignee`"),
                    false => error.with_help(help).with_guess(at..at, format!("{which} ")),
                });
                return None;
            }
        };
        let field = FieldRef::find(name, self.context.desk)?;
        let literal = self.declared(&declared, &value)?;
        self.set_to(field, literal, &value)
    }

    /// Checks the number of tickets that nobody who is chosen has. Reports an error if it is zero.
    fn under(&mut self, node: &ast::Under) -> Option<u32> {
        let count = node.count()?;
        let under = u32::try_from(self.whole(&count)?).ok().filter(|under| *under > 0);
        if under.is_none() {
            let message = format!("number out of range: `under {}`", count.text());
            let error = Diagnostic::new(&codes::TW0116, range(&count), message);
            self.report(error.with_help("`with under 1 unsolved tickets` is the least: only agents who have none"));
        }
        under
    }

    pub(super) fn text_of(&mut self, template: Option<ast::Template>) -> Option<Template> {
        let template = template?;
        let text = template.text();
        // Unknown escapes have already been reported.
        if text.value.trim().is_empty() && text.bad_escapes.is_empty() {
            self.error(&codes::TW0115, template.span(), "empty text");
            return None;
        }
        self.template(&template)
    }

    fn notify(&mut self, node: &ast::NotifyAction) -> Option<ActionKind> {
        let to = self.recipients(node.recipients());
        let message = node.message()?;
        let subject = self.message_part(&message, "subject", &["subject", "body"]);
        let body = self.message_part(&message, "body", &["subject", "body"]);
        for (part, name) in [(&subject, "subject"), (&body, "body")] {
            if matches!(part, MessagePart::Missing) && !node.is_broken() {
                self.error(&codes::TW0115, node.span(), format!("missing `{name}` in the notification"));
            }
        }
        self.known_parts(&message, &["subject", "body"]);
        self.may_differ_by_language(&message, to.as_deref());
        let (to, subject, body) = (to?, subject.texts()?, body.texts()?);
        self.may_tell_conversation(&message, &body, &to).then_some(ActionKind::Notify { to, subject, body })
    }

    /// Whether a group has agents. Reports an error if not.
    fn can_choose(&mut self, group: &str, value: &SyntaxElement) -> bool {
        let somebody = self.context.desk.agents.iter().any(|agent| agent.groups.iter().any(|g| g == group));
        if self.context.has_gap("agent") || self.context.has_gap("agent.groups") {
            return true;
        }
        if !somebody {
            let message = format!("group `{group}` has no agents");
            let help = format!("add `{group}` to the `groups` of an `[[agent]]` in `twite.toml`");
            self.report(Diagnostic::new(&codes::TW0205, span_of(value), message).with_help(help));
        }
        somebody
    }

    fn remind(&mut self, node: &ast::RemindAction) -> Option<ActionKind> {
        let to = self.recipients(node.recipients());
        let after = node.after().and_then(|value| self.delay(&value));
        let mut texts = [None, None];
        if let Some(message) = node.message() {
            self.known_parts(&message, &["subject", "body"]);
            self.may_differ_by_language(&message, to.as_deref());
            for (slot, name) in texts.iter_mut().zip(["subject", "body"]) {
                *slot = match self.message_part(&message, name, &["subject", "body"]) {
                    MessagePart::Missing => None,
                    part => Some(part.texts()?),
                };
            }
        }
        let [subject, body] = texts;
        let (to, after) = (to?, after?);
        if let (Some(message), Some(body)) = (node.message(), &body)
            && !self.may_tell_conversation(&message, body, &to)
        {
            return None;
        }
        Some(ActionKind::Remind { to, after, subject, body })
    }

    /// Checks the duration after which something happens. Reports an error if it is zero.
    pub(super) fn delay(&mut self, value: &SyntaxElement) -> Option<Duration> {
        let delay = self.duration(value)?;
        let is_zero = match delay {
            Duration::Clock(length) | Duration::Open(length) => length.is_zero(),
            Duration::OpenDays(count) | Duration::OpenWeeks(count) => count == 0,
        };
        if is_zero {
            let error = Diagnostic::new(&codes::TW0116, span_of(value), "duration out of range: it must not be zero");
            self.report(error.with_help("write at least `1 minute`"));
        }
        (!is_zero).then_some(delay)
    }

    fn webhook(&mut self, node: &ast::WebhookAction) -> Option<ActionKind> {
        let name = node.name().and_then(|token| self.webhook_name(&token));
        let Some(message) = node.message() else {
            return name.map(|name| ActionKind::Webhook { name, body: None });
        };
        self.known_parts(&message, &["body"]);
        if let Some(by) = message.parts().find_map(|part| part.by_language()) {
            let error = Diagnostic::new(&codes::TW0115, by.span(), "a webhook has one body");
            self.report(
                error.with_help("write one text; the receiver can tell languages apart by `{{ticket.language}}`"),
            );
            return None;
        }
        let text = message.parts().find_map(|p| p.text());
        let body = match self.message_part(&message, "body", &["body"]) {
            MessagePart::Missing => {
                self.error(&codes::TW0115, message.span(), "missing `body` in the braces of the webhook");
                None
            }
            part => part.texts(),
        }?
        .otherwise;
        let json = text.is_some_and(|text| self.is_json(&text));
        name.filter(|_| json).map(|name| ActionKind::Webhook { name, body: Some(body) })
    }

    /// Resolves the name of a declared webhook.
    pub(super) fn webhook_name(&mut self, token: &SyntaxToken) -> Option<String> {
        let name = Text::of(token).value;
        if let Some(webhook) = self.context.desk.webhook(&name) {
            return Some(webhook.to_owned());
        }
        if self.context.has_gap("webhook") {
            return None;
        }
        let known: Vec<&str> = self.context.desk.webhooks.iter().map(String::as_str).collect();
        let suggestion =
            self.context.suggestions.nearest(self.sink.source, NameList::Webhooks, &name, known.iter().copied());
        let suggestion = suggestion.as_deref();
        let message = format!("undeclared webhook `{name}`{}", did_you_mean(suggestion));
        let error = Diagnostic::new(&codes::TW0205, range(token), message);
        let error = match suggestion {
            Some(meant) => error.with_guess(range(token), crate::lang::display::Quoted(meant).to_string()),
            None if !self.context.has_declarations() => error.with_help(super::value::NO_DECLARATIONS),
            None if known.is_empty() => error.with_help("`twite.toml` declares no webhook"),
            None => error.with_help(format!("`twite.toml` declares {}", listed(known))),
        };
        self.report(error);
        None
    }

    fn message_part(&mut self, message: &ast::Message, name: &str, known: &[&str]) -> MessagePart {
        let mut parts = message.named(name);
        let Some(first) = parts.next() else {
            let strange = message.parts().any(|p| p.name().is_some_and(|t| !known.contains(&t.text())));
            // An unknown part is most likely a misspelling of this one, and is reported on its own.
            return if strange { MessagePart::Broken } else { MessagePart::Missing };
        };
        for again in parts {
            self.error(&codes::TW0115, again.span(), format!("duplicate `{name}`"));
        }
        let texts = match first.by_language() {
            Some(by_language) => self.by_language(&by_language),
            None => {
                let is_mail = name == "body" && known.contains(&"subject");
                first.text().and_then(|text| self.template_of(&text, is_mail)).map(Texts::from)
            }
        };
        texts.map_or(MessagePart::Broken, MessagePart::There)
    }

    fn known_parts(&mut self, message: &ast::Message, known: &[&str]) {
        for part in message.parts() {
            let Some(name) = part.name().filter(|t| !known.contains(&t.text())) else { continue };
            let suggestion = nearest(name.text(), known.iter().copied());
            let message = format!("unknown clause `{}`{}", name.text(), did_you_mean(suggestion));
            let help = format!("expected {}", listed(known.iter().copied()));
            self.report(Diagnostic::new(&codes::TW0113, range(&name), message).with_help(help));
        }
    }
}

/// Whether the value of a field may be a text that somebody wrote on the ticket.
fn may_repeat_a_message(field: &FieldRef) -> bool {
    let name = field.name();
    let is_text = matches!(field.kind(), Kind::Text) || name == "post.hashtags";
    is_text && Owner::split(&name).0 == Owner::Ticket && !matches!(&*name, "requester" | "language" | "link")
}

/// The result of checking a part of a message.
enum MessagePart {
    There(Texts),
    /// Invalid; the error has been reported.
    Broken,
    Missing,
}

impl MessagePart {
    fn texts(self) -> Option<Texts> {
        match self {
            Self::There(texts) => Some(texts),
            Self::Broken | Self::Missing => None,
        }
    }
}
