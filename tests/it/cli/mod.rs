//! Commands, run as a user runs them.

mod accounts;
mod agents;
mod check;
mod demo;
mod desk;
mod error;
mod eval;
mod incoming;
mod levels;
mod media;
mod outbox;
mod person;
mod reading;
mod rewrite;
mod rights;
mod settings;
mod sign_in;
mod status;
mod switches;
mod terminal;
mod through_daemon;
mod ticket;
