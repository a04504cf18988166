//! Tests of the client of X.

mod client;
mod decode;
mod entities;
mod media;
mod poll;
mod pushed;
mod shared;
