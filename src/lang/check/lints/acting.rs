//! Rules with actions, whatever their kind, and questions about their conditions.

use crate::{
    desk::{Channel, FieldRef},
    lang::rules::{Action, Condition, ConditionKind, Literal, Op, Rules},
};

/// A trigger, an automation or a macro.
pub(super) struct Acting<'r> {
    /// The condition; `None` for a macro, which can be applied to any ticket.
    pub(super) when: Option<&'r Condition>,
    pub(super) then: &'r [Action],
}

impl<'r> Acting<'r> {
    /// All rules with actions: triggers, automations, macros.
    pub(super) fn all(rules: &'r Rules) -> impl Iterator<Item = Self> {
        let triggers = rules.triggers.iter().map(|t| Self { when: Some(&t.when), then: &t.then });
        let automations = rules.automations.iter().map(|a| Self { when: Some(&a.when), then: &a.then });
        let macros = rules.macros.iter().map(|m| Self { when: None, then: &m.then });
        triggers.chain(automations).chain(macros)
    }
}

/// Whether a condition asks a field that these actions change, so that they can make it false.
pub(super) fn asks_what_changes(condition: &Condition, actions: &[Action]) -> bool {
    let changes = |field: &FieldRef| {
        let mut set = actions.iter().flat_map(|action| action.kind.sets());
        set.any(|changed| changed == field || changed.also_changes().contains(field))
    };
    asks(condition, changes)
}

/// Whether a condition has a predicate on such a field.
pub(super) fn asks(condition: &Condition, such: impl Fn(&FieldRef) -> bool) -> bool {
    condition.any(|predicate| predicate.fields().any(&such))
}

/// Whether a condition may hold for a ticket of this channel, as far as its predicates on the channel tell.
pub(super) fn may_come_from(condition: &Condition, channel: Channel) -> bool {
    let is_channel = |value: &Literal| matches!(value, Literal::Word { word, .. } if word == channel.as_str());
    match &condition.kind {
        ConditionKind::All(parts) => parts.iter().all(|part| may_come_from(part, channel)),
        ConditionKind::Any(parts) => parts.iter().any(|part| may_come_from(part, channel)),
        ConditionKind::Let(named) => may_come_from(&named.condition, channel),
        ConditionKind::Predicate(predicate) if predicate.field.name() == "channel" => match &predicate.op {
            Op::Is(value) => is_channel(value),
            Op::IsNot(value) => !is_channel(value),
            Op::In(values) => values.iter().any(is_channel),
            Op::NotIn(values) => !values.iter().any(is_channel),
            _ => true,
        },
        ConditionKind::Not(_) | ConditionKind::Predicate(_) => true,
    }
}
