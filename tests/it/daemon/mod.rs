//! The daemon.

mod actions;
mod counts;
mod diagnoses;
mod edges;
mod follow;
mod inbound;
mod killed;
mod listen;
mod recipients;
mod reload;
mod sending;
mod soak;
mod stream;
mod two_daemons;
mod webhook;
