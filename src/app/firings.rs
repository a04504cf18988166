//! How often rules with a cap fired before, looked up only for rules that would fire.
//!
//! A decision is made as if they had never fired; then the store is asked about those that fired, and if one of them
//! has a cap that may be reached, the decision is made again with the answers. Each round asks about further rules, so
//! the rounds end.

use std::collections::BTreeSet;

use super::UnitOfWork;
use crate::{
    desk::{Event, Ticket},
    engine::{Decision, Fired, caps},
    lang::rules::Rules,
    store::{AskedFirings, StoreError, Tx},
};

/// The rules whose firings were looked up for an event.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeSet<String>);

impl Asked {
    /// Looks up the firings of further rules that fired in a decision on the event, and adds them to the event. Returns
    /// whether the event now tells more, so that the decision must be made again.
    pub(super) async fn learn(
        &mut self,
        tx: &mut Tx,
        rules: &Rules,
        ticket: &Ticket,
        event: &mut Event,
        decision: Option<&Decision>,
    ) -> Result<bool, StoreError> {
        let known = event.fired_before.len();
        for fired in decision.into_iter().flat_map(|decision| &decision.fired) {
            let Fired { rule, kind, index, shadow, .. } = fired;
            let caps = caps(rules, *kind, *index);
            if caps.is_empty() || !self.0.insert(rule.clone()) {
                continue;
            }
            for cap in caps {
                let asked = AskedFirings { rule, shadow: *shadow, per: cap.per, times: cap.times };
                event.fired_before.extend(tx.fired_before(ticket, asked).await?);
            }
        }
        Ok(event.fired_before.len() > known)
    }
}

impl UnitOfWork<'_> {
    /// Records the firings of a decision that caps count.
    pub(super) async fn count_firings(
        &mut self,
        ticket: &Ticket,
        decision: &Decision,
        now: jiff::Timestamp,
    ) -> Result<(), StoreError> {
        for fired in &decision.fired {
            if !caps(&self.rules, fired.kind, fired.index).is_empty() {
                self.tx.add_firing(ticket, &fired.rule, fired.shadow, now).await?;
            }
        }
        Ok(())
    }
}
