//! Tests of the whole, in one binary: each file holds what is tested together, its cases in a folder of the same name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod accounts;
mod actions;
mod architecture;
mod automations;
mod calendars;
mod characters;
mod counted;
mod demo;
mod docs;
mod edges;
mod engine;
mod follow;
mod forget;
mod forms;
mod full_disk;
mod invariants;
mod killed;
mod kinds;
mod lang;
mod lang_properties;
mod look;
mod matcher;
mod moments;
mod neighbours;
mod order;
mod outbox;
mod poll;
mod private;
mod recipes;
mod reload;
mod reserved;
mod rewriting;
mod rule_tests;
mod sending;
mod sim;
mod status;
mod statuses;
mod support;
mod suppressions;
mod together;
mod two_daemons;
mod types;
mod values;
mod verify;
mod whereabouts;
mod x_client;
mod x_decode;
mod x_shared;
