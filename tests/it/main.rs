//! Integration tests, one binary: folders are named like those of `src`, and cases lie beside the tests that read them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod app;
mod architecture;
mod cli;
mod daemon;
mod desk;
mod docs;
mod engine;
mod lang;
mod sim;
mod store;
mod support;
mod x;
