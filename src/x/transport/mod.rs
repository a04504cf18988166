//! The ways in which messages come from X. All yield [`crate::desk::Incoming`].

pub mod poll;
