//! Conditions over slots, in negation normal form: every predicate is true or false, so `not` is pushed down to it.

/// Maximum number of parts compared pairwise to drop duplicates.
const MAX_COMPARED_PARTS: usize = 64;

/// A condition over slots.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Never,
    Always,
    /// The code of this slot is in the mask.
    Code {
        slot: u16,
        mask: u64,
    },
    /// The rank of this slot is within these bounds, both inclusive.
    Rank {
        slot: u16,
        low: u32,
        high: u32,
    },
    /// The truth of this literal is `want`.
    Literal {
        literal: u32,
        want: bool,
    },
    /// The result of this unindexed predicate is `want`.
    Unindexed {
        predicate: u32,
        want: bool,
    },
    All(Box<[Self]>),
    Any(Box<[Self]>),
}

/// The truth of a literal.
pub(super) fn literal(literal: u32, want: bool) -> Expr {
    Expr::Literal { literal, want }
}

/// A range of ranks; a constant if it contains all ranks.
pub(super) fn rank(slot: u16, low: u32, high: u32, most: u32) -> Expr {
    match (low, high) {
        (0, high) if high >= most => Expr::Always,
        _ => Expr::Rank { slot, low, high },
    }
}

/// A conjunction. Parts on one slot are merged; the cheapest come first.
pub(super) fn all(parts: Vec<Expr>) -> Expr {
    let mut kept: Vec<Expr> = vec![];
    let mut parts = std::collections::VecDeque::from(parts);
    while let Some(part) = parts.pop_front() {
        match part {
            Expr::Always => {}
            Expr::Never => return Expr::Never,
            Expr::All(inner) => inner.into_vec().into_iter().rev().for_each(|part| parts.push_front(part)),
            Expr::Code { slot, mask } => {
                let same = kept.iter_mut().find_map(|k| match k {
                    Expr::Code { slot: s, mask } if *s == slot => Some(mask),
                    _ => None,
                });
                match same {
                    Some(both) => {
                        *both &= mask;
                        if *both == 0 {
                            return Expr::Never;
                        }
                    }
                    None => kept.push(part),
                }
            }
            Expr::Rank { slot, low, high } => {
                let same = kept.iter_mut().find_map(|k| match k {
                    Expr::Rank { slot: s, low, high } if *s == slot => Some((low, high)),
                    _ => None,
                });
                match same {
                    Some((both_low, both_high)) => {
                        *both_low = low.max(*both_low);
                        *both_high = high.min(*both_high);
                        if both_low > both_high {
                            return Expr::Never;
                        }
                    }
                    None => kept.push(part),
                }
            }
            part if kept.len() < MAX_COMPARED_PARTS && kept.contains(&part) => {}
            part => kept.push(part),
        }
    }
    kept.sort_by_key(cost);
    match kept.len() {
        0 => Expr::Always,
        1 => kept.pop().unwrap_or(Expr::Always),
        _ => Expr::All(kept.into()),
    }
}

/// A disjunction.
pub(super) fn any(parts: Vec<Expr>) -> Expr {
    let mut kept: Vec<Expr> = vec![];
    let mut parts = std::collections::VecDeque::from(parts);
    while let Some(part) = parts.pop_front() {
        match part {
            Expr::Never => {}
            Expr::Always => return Expr::Always,
            Expr::Any(inner) => inner.into_vec().into_iter().rev().for_each(|part| parts.push_front(part)),
            Expr::Code { slot, mask } => {
                let same = kept.iter_mut().find_map(|k| match k {
                    Expr::Code { slot: s, mask } if *s == slot => Some(mask),
                    _ => None,
                });
                match same {
                    Some(both) => *both |= mask,
                    None => kept.push(part),
                }
            }
            part if kept.len() < MAX_COMPARED_PARTS && kept.contains(&part) => {}
            part => kept.push(part),
        }
    }
    kept.sort_by_key(cost);
    match kept.len() {
        0 => Expr::Never,
        1 => kept.pop().unwrap_or(Expr::Never),
        _ => Expr::Any(kept.into()),
    }
}

/// The cost class of a part: cheaper parts are evaluated first.
fn cost(expr: &Expr) -> u8 {
    match expr {
        Expr::Never | Expr::Always => 0,
        Expr::Code { .. } => 1,
        Expr::Rank { .. } => 2,
        Expr::Literal { .. } => 3,
        Expr::All(_) | Expr::Any(_) => 4,
        Expr::Unindexed { .. } => 5,
    }
}
