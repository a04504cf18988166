//! The ways in which messages come from X. All yield [`crate::desk::Incoming`].

mod account_activity;
mod activity;
pub mod poll;
pub mod push;
pub mod stream;
mod v1;
pub mod webhook;
