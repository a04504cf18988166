//! Tests of the whole, in one binary: folders named as those of `src`, cases beside the tests that read them.
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
