//! What the desk does, whoever asks: the daemon, a command or a page.
//!
//! What fails with [`crate::store::StoreError`] changed nothing, unless its `# Errors` says more.

pub mod accounts;
pub mod agent;
mod apply;
mod automation;
mod gates;
pub mod health;
mod intake;
pub mod live_set;
mod message;
mod no_such_rule;
mod notice;
pub mod outbox;
pub mod replay;
pub mod reports;
pub mod ticket;
mod unit_of_work;
pub mod views;

pub use gates::{Gates, Held};
pub use no_such_rule::NoSuchRule;
pub use notice::{Notice, Notices, Outcome, log_report};
pub(crate) use {
    intake::Intake,
    message::{Message, read},
    unit_of_work::UnitOfWork,
};
