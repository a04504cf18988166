//! Commands, as their users run them.

mod accounts;
mod demo;
mod desk;
mod forms;
mod look;
mod outbox;
mod rewriting;
mod status;
mod statuses;
mod ticket;
mod types;
