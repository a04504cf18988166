//! Checks the recipients of notifications.

use super::{
    Checker,
    value::{is_me, written},
};
use crate::{
    desk::{Recipient, field::Declared},
    lang::{
        ast::{self, AstNode, span_of},
        codes,
        diagnostic::Diagnostic,
        display::Quoted,
        syntax::SyntaxElement,
    },
};

/// The maximum number of recipients of an action. Each one outside of the desk gets a mail of its own.
const MAX_RECIPIENTS: usize = 20;

impl Checker<'_, '_> {
    /// Checks the recipients of an action. Reports those named twice, and too many.
    pub(super) fn recipients(&mut self, nodes: impl Iterator<Item = ast::Recipient>) -> Option<Vec<Recipient>> {
        let nodes: Vec<_> = nodes.collect();
        if let Some(over) = nodes.get(MAX_RECIPIENTS) {
            let message = format!("too many recipients: at most {MAX_RECIPIENTS}");
            let help = "declare a group in `twite.toml`, with an `email` or with agents, and notify the group";
            self.report(Diagnostic::new(&codes::TW0116, over.span(), message).with_help(help));
            return None;
        }
        let mut all: Vec<(Recipient, ast::Recipient)> = vec![];
        let mut complete = !nodes.is_empty();
        for node in nodes {
            let Some(recipient) = self.recipient(&node) else {
                complete = false;
                continue;
            };
            if recipient == Recipient::PreviousAssignee(None) {
                let help =
                    "automations run as time passes, and no agent was replaced; name the agent, or write `assignee`";
                complete &= self.somebody_acts(node.span(), help);
            }
            match all.iter().find(|(known, _)| *known == recipient) {
                Some((_, first)) => {
                    let error =
                        Diagnostic::new(&codes::TW0115, node.span(), format!("duplicate recipient `{recipient}`"));
                    self.report(
                        error
                            .and_label(first.span(), "the first one is here")
                            .with_help("each recipient gets one mail; delete this one"),
                    );
                    complete = false;
                }
                None => all.push((recipient, node)),
            }
        }
        complete.then(|| all.into_iter().map(|(recipient, _)| recipient).collect())
    }

    /// Checks one recipient of a notification.
    pub(super) fn recipient(&mut self, node: &ast::Recipient) -> Option<Recipient> {
        if node.group() {
            let group = match node.value() {
                Some(value) => Some(self.declared_name(&Declared::Group, &written(&value), span_of(&value))?),
                None => None,
            };
            return Some(match (group, node.agents()) {
                (Some(group), true) => Recipient::Agents(group),
                (Some(group), false) => Recipient::Group(group),
                (None, true) => Recipient::TicketAgents,
                (None, false) => Recipient::TicketGroup,
            });
        }
        match node.value() {
            Some(value) if node.address() => self.address(node, &value),
            Some(value) if is_me(&value) => {
                let help = "`me` acts, and knows: write `notify assignee { … }`, or name the agent";
                self.report(Diagnostic::new(&codes::TW0115, node.span(), "`me` cannot be notified").with_help(help));
                None
            }
            Some(value) => {
                self.declared_name(&Declared::Agent, &written(&value), span_of(&value)).map(Recipient::Agent)
            }
            None if node.previous() => Some(Recipient::PreviousAssignee(None)),
            None if node.assignee() => Some(Recipient::Assignee),
            None if node.watchers() => Some(Recipient::Watchers),
            None => Some(Recipient::Requester),
        }
    }

    /// Checks an email address, which must be of nobody who is declared.
    fn address(&mut self, node: &ast::Recipient, value: &SyntaxElement) -> Option<Recipient> {
        let (text, span) = (written(value), span_of(value));
        let Ok(address) = text.parse::<lettre::Address>() else {
            let message = format!("{} is not a valid email address", Quoted(&text));
            self.report(
                Diagnostic::new(&codes::TW0302, span, message).with_help("write `address \"name@example.com\"`"),
            );
            return None;
        };
        let desk = self.context.desk;
        let same = |known: &lettre::Address| AsRef::<str>::as_ref(known).eq_ignore_ascii_case(address.as_ref());
        let is_it = |email: &Option<String>| {
            let known = email.as_ref().and_then(|email| email.parse::<lettre::message::Mailbox>().ok());
            known.is_some_and(|known| same(&known.email))
        };
        let agent = desk.agents.iter().find(|agent| is_it(&agent.email)).map(|agent| ("agent", &agent.name));
        let group = || desk.groups.iter().find(|group| is_it(&group.email)).map(|group| ("group", &group.name));
        if let Some((what, name)) = agent.or_else(group) {
            let write = format!("{what} {}", Quoted(name));
            let error = Diagnostic::new(&codes::TW0115, node.span(), format!("this is the address of {write}"));
            self.report(error.with_help(format!("write `{write}`")).with_fix(node.span(), write));
            return None;
        }
        Some(Recipient::Address(text))
    }
}
