//! Tests of rules, checked.

use std::sync::Arc;

use super::{Condition, Duration, Folded, Literal, Macro, Mode, Span};
use jiff::Timestamp;

use crate::desk::{
    Declarations, FieldRef, Recipient, Ticket, Via,
    given::{self, CannotGive},
};

/// A test of rules: a ticket, what happens to it, and what must come of it.
#[derive(Debug, PartialEq)]
pub struct RuleTest {
    /// Its title, unique among tests.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// A disabled test is counted as skipped.
    pub mode: Mode,
    /// The ticket before anything happens: fields and their values.
    pub given: Vec<(FieldRef, Literal)>,
    /// The comment the ticket opened with.
    pub comment: Option<String>,
    /// The moment of the run; `None` is 2026-01-05T12:00:00Z, a Monday.
    pub at: Option<Timestamp>,
    /// What happens, one run after the other.
    pub when: Vec<Step>,
    /// What must hold after the last run.
    pub expect: Vec<Expect>,
    /// Where it stands.
    pub span: Span,
}

impl RuleTest {
    /// The moment of a test that names none: a Monday at noon.
    pub const USUAL_MOMENT: Timestamp = Timestamp::constant(1_767_614_400, 0);

    /// Its moment.
    pub fn moment(&self) -> Timestamp {
        self.at.unwrap_or(Self::USUAL_MOMENT)
    }

    /// The ticket before anything happens.
    ///
    /// # Errors
    /// When it gives a field what that cannot hold.
    pub fn ticket(&self, desk: &Declarations) -> Result<Ticket, CannotGive> {
        let fields = self.given.iter().map(|(field, literal)| (field, literal.value()));
        given::ticket(fields, self.comment.as_deref(), desk, self.moment())
    }
}

/// Something that happens in a test, with its place.
#[derive(Debug, PartialEq)]
pub struct Step {
    /// What happens.
    pub when: When,
    /// Where it stands.
    pub span: Span,
}

/// What happens to the ticket of a test.
#[derive(Debug, PartialEq)]
pub enum When {
    /// It is created, with its comment by the requester.
    Created,
    /// An agent applies a macro to it.
    Macro(Arc<Macro>),
    /// Time passes, and with it whatever automations come due.
    Passes(Duration),
    /// It is updated.
    Updated {
        /// Fields that change.
        set: Vec<(FieldRef, Literal)>,
        /// A comment.
        comment: Option<TestComment>,
        /// The way the update came in; `None` is the ticket's channel.
        via: Option<Via>,
    },
}

/// A comment in a test.
#[derive(Debug, PartialEq)]
pub struct TestComment {
    /// By an agent, else by the requester.
    pub by_agent: bool,
    /// Whether the requester can see it.
    pub public: bool,
    /// What it says.
    pub text: String,
}

/// An expectation, with its place.
#[derive(Debug, PartialEq)]
pub struct Expect {
    /// What is expected.
    pub kind: ExpectKind,
    /// Where it stands.
    pub span: Span,
}

/// What is expected.
#[derive(Debug, PartialEq)]
pub enum ExpectKind {
    /// `expect fired "T"`; a shadow trigger counts as fired where it would have been.
    Fired(String),
    /// `expect not fired "T"`
    NotFired(String),
    /// `expect nothing fired`
    NothingFired,
    /// `expect priority is urgent`: a condition on the ticket after the run.
    Holds(Condition),
    /// `expect reply contains "…"`: some reply, note, notification or webhook body holds this, folded.
    Sent(EffectKind, Option<Folded>),
    /// `expect no reply`
    NotSent(EffectKind),
}

/// A kind of effect, for expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectKind {
    /// A reply.
    Reply,
    /// A note.
    Note,
    /// A notification, to this recipient where one is named.
    Notify(Option<Recipient>),
    /// A reminder, to this recipient where one is named.
    Remind(Option<Recipient>),
    /// A call of this webhook.
    Webhook(String),
    /// An agent chosen from a group.
    Assign,
    /// The ticket merged into another.
    Merge,
}
