//! Entries of a list with a last day: a predicate on such a list asks for the entries that count on the day.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use jiff::civil::Date;

use super::{Op, Predicate, Values};
use crate::desk::Facts;

/// The last days of the entries of a list.
#[derive(Clone)]
pub struct LastDays {
    /// The last day of each entry, in order; `None` counts always.
    entries: Arc<[Option<Date>]>,
    /// The periods in which the same entries count, ascending, each with the operator on them, computed on first use.
    periods: Arc<[(Period, OnceLock<Op>)]>,
}

/// The days up to this one, since the period before; `None` is without end.
type Period = Option<Date>;

impl LastDays {
    /// The last days of these entries; `None` if no entry has one.
    pub fn new(entries: impl IntoIterator<Item = Option<Date>>) -> Option<Self> {
        let entries: Arc<[_]> = entries.into_iter().collect();
        let mut ends: Vec<_> = entries.iter().flatten().copied().collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return None;
        }
        let periods = ends.into_iter().map(Some).chain([None]).map(|period| (period, OnceLock::new())).collect();
        Some(Self { entries, periods })
    }

    /// The last day of an entry.
    fn of(&self, entry: usize) -> Option<Date> {
        self.entries.get(entry).copied().flatten()
    }

    /// The last day on which the same entries count as on this one; `None` if that is every later day.
    pub(crate) fn same_until(&self, date: Date) -> Option<Date> {
        self.periods.iter().find_map(|(period, _)| period.filter(|last| *last >= date))
    }

    /// The days for a list in which each entry is replaced by this many.
    pub(super) fn repeated(&self, times: impl Iterator<Item = usize>) -> Option<Self> {
        Self::new(self.entries.iter().zip(times).flat_map(|(day, times)| std::iter::repeat_n(*day, times)))
    }
}

/// The periods follow from the entries.
impl PartialEq for LastDays {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl fmt::Debug for LastDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}

impl Predicate {
    /// With the last days of the entries of its list.
    pub fn with_last_days(self, last_days: Option<LastDays>) -> Self {
        Self { last_days, ..self }
    }

    /// The last days of the entries of its list, if there are any. Then [`Self::op`] has all entries.
    pub fn last_days(&self) -> Option<&LastDays> {
        self.last_days.as_ref()
    }

    /// The operator on the entries that count on a day.
    pub fn op_on(&self, date: Date) -> &Op {
        let Some(days) = &self.last_days else { return &self.op };
        let counts = |entry| days.of(entry).is_none_or(|last| last >= date);
        let period = days.periods.iter().find(|(period, _)| period.is_none_or(|last| last >= date));
        // The last period has no end.
        period.map_or(&self.op, |(_, op)| op.get_or_init(|| self.op.with_entries(counts)))
    }

    /// The operator on the entries that count now, where the ticket is.
    pub(crate) fn op_now(&self, facts: Facts<'_>) -> &Op {
        match &self.last_days {
            Some(_) => self.op_on(facts.hours().date(facts.now)),
            None => &self.op,
        }
    }

    /// The last days that are over, latest first, each with the operator on its entries.
    pub(crate) fn past(&self, facts: Facts<'_>) -> Vec<(Date, Op)> {
        let Some(days) = &self.last_days else { return vec![] };
        let today = facts.hours().date(facts.now);
        let past = days.periods.iter().rev().filter_map(|(period, _)| period.filter(|last| *last < today));
        past.map(|last| (last, self.op.with_entries(|entry| days.of(entry) == Some(last)))).collect()
    }
}

impl Op {
    /// Number of entries of its list; 0 for an operator that takes none.
    pub(crate) fn entries(&self) -> usize {
        match self {
            Self::In(values) | Self::NotIn(values) => values.len(),
            Self::HasAny(values) | Self::HasAll(values) | Self::HasNone(values) => values.len(),
            Self::Contains(values) | Self::ContainsWord(values) | Self::StartsWith(values) | Self::EndsWith(values) => {
                values.len()
            }
            _ => 0,
        }
    }

    /// The operator with the entries of its list whose position is to be kept.
    fn with_entries(&self, keep: impl Fn(usize) -> bool) -> Self {
        match self {
            Self::In(values) => Self::In(values.filtered(keep)),
            Self::NotIn(values) => Self::NotIn(values.filtered(keep)),
            Self::HasAny(values) => Self::HasAny(values.filtered(keep)),
            Self::HasAll(values) => Self::HasAll(values.filtered(keep)),
            Self::HasNone(values) => Self::HasNone(values.filtered(keep)),
            Self::Contains(values) => Self::Contains(values.filtered(keep)),
            Self::ContainsWord(values) => Self::ContainsWord(values.filtered(keep)),
            Self::StartsWith(values) => Self::StartsWith(values.filtered(keep)),
            Self::EndsWith(values) => Self::EndsWith(values.filtered(keep)),
            other => other.clone(),
        }
    }
}

impl<T: Clone> Values<T> {
    fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept = self.items.iter().enumerate().filter(|(entry, _)| keep(*entry)).map(|(_, value)| value.clone());
        Self { name: self.name.clone(), items: kept.collect() }
    }
}
