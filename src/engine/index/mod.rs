//! Finds which of many rules hold, at nearly the price of reading the ticket once.
//!
//! An inverted index: each rule is posted under its most selective necessary predicate (a tag, a name, a needle in a
//! text, or a cell of fields with few values), judged by recent tickets. A posting list is sorted by the lower bound
//! its rules set for one number. A ticket is read once; only the lists of what is true on it are probed, each up to
//! the ticket's number. The rest of a rule is checked by masks and ranks first, and evaluated last.
//!
//! [`super::evaluate`] is the law; generated rules and tickets compare this with it.

#![allow(
    clippy::indexing_slicing,
    reason = "slots, literals, questions, places and rules are numbered by what builds an index, and every table has an \
              entry for each of its numbers"
)]

mod batch;
mod expr;
mod frequencies;
mod grams;
mod layout;
mod memo;
mod needles;
mod posting;
mod search;
mod slots;

pub use batch::{BATCH_TICKETS, Batch, BatchScratch};
pub use frequencies::Recent;
pub(super) use search::MAX_UNINDEXED;
pub use search::{Index, Scratch};
