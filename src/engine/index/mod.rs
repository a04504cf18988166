//! An inverted index from tickets to the rules that hold on them.
//!
//! Each rule is posted under its most selective *necessary* predicate (a tag, a name, a needle in a text, or a cell of
//! fields with few values), by its share among recent tickets. A posting list is sorted by the lower bound that its clauses
//! set for one rank. A ticket is read once; only the lists of its true literals and cells are probed, up to the ticket's
//! rank. The rest of a clause is checked by masks and ranks, then by its residual.
//!
//! [`super::evaluate`] is the reference; tests compare the two on generated rules and tickets.

#![allow(
    clippy::indexing_slicing,
    reason = "slots, literals, predicates, lists and rules are numbered while an index is built, and every table has an entry \
              for each of its numbers"
)]

mod batch;
mod build;
mod expr;
mod frequencies;
mod grams;
mod layout;
mod memo;
mod needles;
mod posting;
mod recent;
mod search;
mod slots;

pub use batch::{BATCH_TICKETS, Batch, BatchScratch};
pub use recent::Recent;
pub(super) use search::MAX_UNINDEXED;
pub use search::{Index, Scratch};
