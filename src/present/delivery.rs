//! What became of an effect.

use crate::{desk::visible::visible, engine::effect_line, store::DeliveryStatus};

/// The state of an outbox item, on one line: `refused notify assignee: "…" by "Rule": the ticket has no assignee (outbox 3)`.
pub(super) fn delivery(item: &DeliveryStatus) -> String {
    let by = item.rule.as_deref().map(|rule| format!(" by {rule:?}")).unwrap_or_default();
    let why = item.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    visible(&format!("{} {}{by}{why} (outbox {})", item.state, effect_line(&item.effect), item.id)).into_owned()
}
