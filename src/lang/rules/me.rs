//! `me` and `my groups`: the agent who acts, and in views and reports the one who reads.

use std::{borrow::Cow, slice};

use super::{
    Action, ActionKind, Condition, ConditionKind, Filter, Literal, Member, Op, Part, Predicate, SetTo, Template, Texts,
};
use crate::desk::{FieldRef, Scope, Viewer, declarations::Agent};

impl Literal {
    /// Whether its value depends on who acts or reads.
    pub fn asks_me(&self) -> bool {
        matches!(self, Self::Me | Self::MyGroups)
    }

    /// The values it stands for if this is the agent; none for `me` if there is no agent.
    fn of(&self, agent: Option<&Agent>) -> Vec<Self> {
        let word = |name: &String| Self::Word { word: name.clone(), rank: None };
        match self {
            Self::Me => agent.map(|agent| word(&agent.name)).into_iter().collect(),
            Self::MyGroups => agent.into_iter().flat_map(|agent| agent.groups.iter().map(word)).collect(),
            other => vec![other.clone()],
        }
    }
}

impl Op {
    /// Whether its result depends on who acts or reads.
    pub(super) fn asks_me(&self) -> bool {
        match self {
            Self::Is(one) | Self::IsNot(one) | Self::Compare(_, one) => one.asks_me(),
            Self::In(some) | Self::NotIn(some) => some.iter().any(Literal::asks_me),
            Self::Changed { from, to } => from.iter().chain(to).any(Literal::asks_me),
            Self::HasMe => true,
            _ => false,
        }
    }

    /// The operator with names in place of `me` and `my groups`; `None` if it is false for this agent on every ticket.
    pub(crate) fn read_by(&self, agent: Option<&Agent>) -> Option<Self> {
        let all = |some: &[Literal]| some.iter().flat_map(|literal| literal.of(agent)).collect::<Vec<_>>().into();
        let end = |one: &Option<Literal>| match one {
            Some(one) => one.of(agent).pop().map(Some),
            None => Some(None),
        };
        match self {
            Self::IsNot(_) | Self::NotIn(_) if agent.is_none() && self.asks_me() => None,
            Self::Is(one) => Some(Self::In(all(slice::from_ref(one)))),
            Self::IsNot(one) => Some(Self::NotIn(all(slice::from_ref(one)))),
            Self::In(some) => Some(Self::In(all(some))),
            Self::NotIn(some) => Some(Self::NotIn(all(some))),
            Self::Changed { from, to } => Some(Self::Changed { from: end(from)?, to: end(to)? }),
            Self::HasMe => agent.map(|agent| Self::HasAny(vec![agent.name.clone()].into())),
            // Names have no order.
            _ => None,
        }
    }
}

impl Predicate {
    /// The predicate with names in place of `me` and `my groups`; `None` if it is false for this agent on every ticket.
    fn read_by(&self, agent: Option<&Agent>) -> Option<Self> {
        let op = self.op.read_by(agent)?;
        let last_days = self.last_days().and_then(|days| match &self.op {
            Op::In(some) | Op::NotIn(some) => days.repeated(some.iter().map(|literal| literal.of(agent).len())),
            _ => Some(days.clone()),
        });
        Some(Self::new(self.field.clone(), op).with_last_days(last_days))
    }
}

impl Condition {
    /// Whether its result depends on who acts or reads.
    pub fn asks_me(&self) -> bool {
        let mut asks = false;
        self.predicates(&mut |predicate, _| asks |= predicate.asks_me());
        asks
    }

    /// The condition as this viewer reads it, without `me` and `my groups`. For the owner, who is no agent, comparisons
    /// with them are false.
    pub fn read_by(&self, viewer: Viewer<'_>) -> Cow<'_, Self> {
        if !self.asks_me() {
            return Cow::Borrowed(self);
        }
        let all = |parts: &[Self]| parts.iter().map(|part| part.read_by(viewer).into_owned()).collect();
        let kind = match &self.kind {
            ConditionKind::All(parts) => ConditionKind::All(all(parts)),
            ConditionKind::Any(parts) => ConditionKind::Any(all(parts)),
            ConditionKind::Not(inner) => ConditionKind::Not(Box::new(inner.read_by(viewer).into_owned())),
            ConditionKind::Let(named) => return Cow::Owned(named.condition.read_by(viewer).into_owned()),
            ConditionKind::Predicate(predicate) => match predicate.read_by(viewer.as_agent()) {
                Some(predicate) => ConditionKind::Predicate(predicate),
                None => ConditionKind::Any(vec![]),
            },
        };
        Cow::Owned(Self { kind, span: self.span.clone() })
    }
}

impl Action {
    /// Whether it can only be done by an agent: it acts on `me`, or names the agent with no `default`.
    pub fn needs_agent(&self) -> bool {
        fn of(texts: &Texts) -> impl Iterator<Item = &Template> {
            texts.all().map(|(_, text)| text)
        }
        let texts: Vec<&Template> = match &self.kind {
            ActionKind::Set(_, SetTo::Literal(literal)) => return literal.asks_me(),
            ActionKind::Add(_, members) | ActionKind::Remove(_, members) => return members.contains(&Member::Me),
            ActionKind::Set(_, SetTo::Template(text)) | ActionKind::Note(text) => vec![text],
            ActionKind::Reply { texts, .. } | ActionKind::Message(texts) | ActionKind::Ask(texts) => {
                of(texts).collect()
            }
            ActionKind::Notify { subject, body, .. } => [subject, body].into_iter().flat_map(of).collect(),
            ActionKind::Remind { subject, body, .. } => subject.iter().chain(body).flat_map(of).collect(),
            ActionKind::Webhook { body, .. } => body.iter().collect(),
            ActionKind::Clear(_)
            | ActionKind::Set(_, SetTo::Match { .. } | SetTo::Field { .. })
            | ActionKind::Assign { .. }
            | ActionKind::Snooze(_)
            | ActionKind::Merge
            | ActionKind::AtX(_)
            | ActionKind::Stop => vec![],
        };
        texts.into_iter().flat_map(|text| &text.parts).any(|part| match part {
            Part::Placeholder { field, filters } => {
                is_of_agent(field) && !filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
            }
            Part::Text(_) | Part::Conversation => false,
        })
    }
}

/// Whether a field is of the agent who acts.
pub(crate) fn is_of_agent(field: &FieldRef) -> bool {
    field.scope() == Scope::Event && field.name().starts_with("agent.")
}
