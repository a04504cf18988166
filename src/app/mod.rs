//! What the desk does, whoever asks: the daemon, a command or a page.
//!
//! What fails with [`crate::store::StoreError`] changed nothing, unless its `# Errors` says more.

pub mod agent;
mod apply;
mod automation;
mod gates;
mod intake;
mod message;
mod notice;
mod unit_of_work;

pub use gates::{Gates, Held};
pub use notice::{Notice, Notices, Outcome, log_report};
pub(crate) use {
    intake::Intake,
    message::{Message, read},
    unit_of_work::UnitOfWork,
};
