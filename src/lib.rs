//! Twite: a self-hosted support desk for X (Twitter), with business rules as code.
//!
//! The modules are in dependency order: each uses only those declared above it. See `ARCHITECTURE.md`.

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

// The blank lines keep rustfmt from sorting the modules.
pub mod clock;

pub mod counters;

pub mod desk;

pub mod settings;

pub mod lang;

pub mod engine;

pub mod x;

pub mod store;

pub mod app;

pub(crate) mod present;

pub mod web;

pub mod daemon;

pub mod sim;

pub mod cli;
