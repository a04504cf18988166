//! Twite: the X support channel a team runs itself, with its business rules as code.
//!
//! The modules, from the ground up; each uses only those above it. See `ARCHITECTURE.md`.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that panics is a test that fails"
    )
)]

// The generator of test data names the crate as those outside of it do.
#[cfg(test)]
extern crate self as twite;

// A blank line between them keeps the formatter from sorting them.
pub mod clock;

pub mod desk;

pub mod settings;

pub mod lang;

pub mod engine;

pub mod store;

pub mod x;

pub mod app;

pub(crate) mod present;

pub mod daemon;

pub mod sim;

pub mod cli;
