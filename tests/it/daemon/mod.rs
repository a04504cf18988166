//! The daemon.

mod edges;
mod follow;
mod killed;
mod reload;
mod sending;
mod two_daemons;
