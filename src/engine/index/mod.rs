//! Which of many rules hold, at nearly the price of reading the ticket once.
//!
//! Rules are filed under something that must be true where they hold and is rare among recent tickets: a tag, a name, a
//! needle in a text, or a cell of fields with few values; within one place they are in the order of the least value of
//! one number they ask for. A ticket is read once. Then only the rules filed under what it has are looked at, and of
//! those only as many as its number reaches. What else a rule asks is checked with masks and ranks first, and one
//! by one last.
//!
//! [`super::evaluate`] is what all of this means, and what it is compared with by generated rules and tickets.

#![allow(
    clippy::indexing_slicing,
    reason = "slots, literals, questions, places and rules are numbered by what builds an index, and every table has an \
              entry for each of its numbers"
)]

mod batch;
mod expr;
mod filing;
mod frequencies;
mod grams;
mod layout;
mod needles;
mod search;
mod slots;
mod state;

pub use batch::{BLOCK, Batch, Room};
pub use frequencies::Recent;
pub(super) use search::MAX_UNINDEXED;
pub use search::{Index, Searcher};
