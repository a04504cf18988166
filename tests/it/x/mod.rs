//! Tests of the client of X.

mod client;
mod decode;
mod poll;
mod pushed;
mod shared;
