//! Checked tests of rules.

use std::sync::Arc;

use super::{Condition, Duration, Folded, Literal, Macro, Mode, Span};
use jiff::Timestamp;

use crate::desk::{
    Declarations, FieldRef, MessageFacts, Recipient, Sample, Ticket, TicketId, Via, XAction,
    given::{self, CannotGive},
};

/// A test of rules: an initial ticket, steps that happen to it, and expectations.
#[derive(Debug, PartialEq)]
pub struct RuleTest {
    /// Its title, unique among tests.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode. A disabled test is counted as skipped.
    pub mode: Mode,
    /// The fields of the initial ticket and their values.
    pub given: Vec<(FieldRef, Literal)>,
    /// The first comment of the ticket.
    pub comment: Option<String>,
    /// Samples that the ticket is in (`true`) or not in.
    pub samples: Vec<(Sample, bool)>,
    /// The ticket's number, which follows from the samples; 0 is in none.
    pub id: TicketId,
    /// How often rules fired before the test starts.
    pub fired: Vec<GivenFired>,
    /// What is known of agents, by name, when one is chosen.
    pub agents: Vec<(String, GivenAgent)>,
    /// How many other tickets volumes count before the test starts.
    pub volumes: Vec<GivenVolume>,
    /// The time at which the test starts; `None` for [`RuleTest::USUAL_MOMENT`].
    pub at: Option<Timestamp>,
    /// The steps, in order.
    pub when: Vec<Step>,
    /// The expectations, checked after the last step.
    pub expect: Vec<Expect>,
    /// Its source span.
    pub span: Span,
}

impl RuleTest {
    /// The default start time: 2026-01-05T12:00:00Z, a Monday.
    pub const USUAL_MOMENT: Timestamp = Timestamp::constant(1_767_614_400, 0);

    /// The time at which the test starts.
    pub fn moment(&self) -> Timestamp {
        self.at.unwrap_or(Self::USUAL_MOMENT)
    }

    /// Builds the initial ticket.
    ///
    /// # Errors
    /// If a value is not valid for its field.
    pub fn ticket(&self, desk: &Declarations) -> Result<Ticket, CannotGive> {
        let fields = self.given.iter().map(|(field, literal)| (field, literal.value()));
        let ticket = given::ticket(fields, self.comment.as_deref(), desk, self.moment())?;
        Ok(Ticket { id: self.id, ..ticket })
    }
}

/// `given fired "T" 3 days ago`: counts for the ticket of the test, and so for its requester and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenFired {
    /// The rule's title.
    pub rule: String,
    /// How often it fired.
    pub times: u32,
    /// How long before the start of the test.
    pub ago: Duration,
}

/// What is known of an agent when one is chosen for a ticket. Without it, an agent is present, has no other ticket, and did
/// not have the requester before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenAgent {
    /// `given agent "Ana" away`
    Away,
    /// `given agent "Ana" with 20 unsolved tickets`: besides the ticket of the test.
    Unsolved(u32),
    /// `given last agent "Ana" 3 days ago`: had the requester's latest other ticket, assigned so long before the start of
    /// the test.
    Last(Duration),
}

/// `given volume "V" 19 tickets 2 minutes ago`: other tickets than that of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenVolume {
    /// The volume's title.
    pub volume: String,
    /// How many tickets it counted.
    pub tickets: u32,
    /// How long before the start of the test.
    pub ago: Duration,
}

/// A step of a test, with its source span.
#[derive(Debug, PartialEq)]
pub struct Step {
    /// The step itself.
    pub when: When,
    /// Its source span.
    pub span: Span,
}

/// A step of a test.
#[derive(Debug, PartialEq)]
pub enum When {
    /// The ticket is created, with its comment by the requester.
    Created,
    /// An agent applies a macro to the ticket.
    Macro {
        /// The macro.
        applied: Arc<Macro>,
        /// The agent's name, if given.
        by: Option<String>,
    },
    /// Time passes, and automations that come due are evaluated.
    Passes(Duration),
    /// The ticket is updated.
    Updated {
        /// The name of the agent whose update it is, if given.
        by: Option<String>,
        /// The changed fields and their new values.
        set: Vec<(FieldRef, Literal)>,
        /// The fields that become empty.
        emptied: Vec<FieldRef>,
        /// A comment.
        comment: Option<TestComment>,
        /// The channel of the update; `None` for the ticket's channel.
        via: Option<Via>,
    },
}

/// A comment in a test.
#[derive(Debug, PartialEq)]
pub struct TestComment {
    /// Whether the author is an agent; otherwise the requester.
    pub by_agent: bool,
    /// Whether the requester can see it.
    pub public: bool,
    /// The text.
    pub text: String,
    /// What else is known of it.
    pub facts: MessageFacts,
}

/// An expectation, with its source span.
#[derive(Debug, PartialEq)]
pub struct Expect {
    /// The expectation itself.
    pub kind: ExpectKind,
    /// Its source span.
    pub span: Span,
}

/// What an `expect` line of a test requires.
#[derive(Debug, PartialEq)]
pub enum ExpectKind {
    /// `expect fired "T"`; a trigger in shadow mode counts as fired if it would have fired.
    Fired(String),
    /// `expect fired "T" 3 times`: exactly so often, in all runs of the test.
    FiredTimes(String, u32),
    /// `expect not fired "T"`
    NotFired(String),
    /// `expect nothing fired`
    NothingFired,
    /// `expect held back "T"`: its condition held, and a cap was reached.
    HeldBack(String),
    /// `expect priority is urgent`: a condition on the ticket after the last run.
    Holds(Condition),
    /// `expect reply contains "…"`: at least one effect of this kind contains the text, compared after folding.
    Sent(EffectKind, Option<Folded>),
    /// `expect no reply contains "…"`: no effect of this kind contains the text; without a text, there is none.
    NotSent(EffectKind, Option<Folded>),
}

/// The kind of effect in an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectKind {
    /// A reply, from this account if given.
    Reply(Option<String>),
    /// A direct message to the requester.
    Message,
    /// A note.
    Note,
    /// A notification, to this recipient if given.
    Notify(Option<Recipient>),
    /// A reminder, to this recipient if given.
    Remind(Option<Recipient>),
    /// A call of this webhook.
    Webhook(String),
    /// The assignment of an agent chosen from a group.
    Assign,
    /// The merge of the ticket into another.
    Merge,
    /// What is done at X.
    AtX(XAction),
}
