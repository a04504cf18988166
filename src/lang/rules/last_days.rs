//! Entries of a list with a last day: a predicate on such a list asks for the entries that count on the day.

use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use super::{Op, Predicate, Values};
use crate::desk::Facts;

/// The last days of the entries of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct LastDays {
    /// The last day of each entry, in order; `None` counts always.
    entries: Arc<[Option<Date>]>,
    /// The different last days, ascending. Up to each of them, since the one before, the same entries count.
    ends: Arc<[Date]>,
}

impl LastDays {
    /// The last days of these entries; `None` if no entry has one.
    pub fn new(entries: impl IntoIterator<Item = Option<Date>>) -> Option<Self> {
        let entries: Arc<[_]> = entries.into_iter().collect();
        let mut ends: Vec<_> = entries.iter().flatten().copied().collect();
        ends.sort_unstable();
        ends.dedup();
        (!ends.is_empty()).then(|| Self { entries, ends: ends.into() })
    }

    /// The last day on which the same entries count as on this one; `None` if that is every later day.
    pub(crate) fn same_until(&self, date: Date) -> Option<Date> {
        self.ends.get(self.period(date)).copied()
    }

    /// The period of a day: the number of last days that are over.
    fn period(&self, date: Date) -> usize {
        self.ends.partition_point(|last| *last < date)
    }

    /// Whether an entry counts on a day.
    fn counts(&self, entry: usize, date: Date) -> bool {
        self.of(entry).is_none_or(|last| last >= date)
    }

    fn of(&self, entry: usize) -> Option<Date> {
        self.entries.get(entry).copied().flatten()
    }

    /// The days for a list in which each entry is replaced by this many.
    pub(super) fn repeated(&self, times: impl Iterator<Item = usize>) -> Option<Self> {
        Self::new(self.entries.iter().zip(times).flat_map(|(day, times)| std::iter::repeat_n(*day, times)))
    }
}

/// The last days of a predicate's list, with the operator in each period, computed on first use.
#[derive(Debug, Clone)]
pub(super) struct Dated {
    days: LastDays,
    periods: Arc<[OnceLock<Op>]>,
}

/// The operators follow from the days.
impl PartialEq for Dated {
    fn eq(&self, other: &Self) -> bool {
        self.days == other.days
    }
}

impl Predicate {
    /// With the last days of the entries of its list.
    pub fn with_last_days(self, last_days: Option<LastDays>) -> Self {
        let dated = |days: LastDays| Dated { periods: (0..=days.ends.len()).map(|_| OnceLock::new()).collect(), days };
        Self { dated: last_days.map(dated), ..self }
    }

    /// The last days of the entries of its list, if there are any. Then [`Self::op`] has all entries.
    pub fn last_days(&self) -> Option<&LastDays> {
        self.dated.as_ref().map(|dated| &dated.days)
    }

    /// The operator on the entries that count on a day.
    pub fn op_on(&self, date: Date) -> &Op {
        let Some(Dated { days, periods }) = &self.dated else { return &self.op };
        let period = periods.get(days.period(date));
        // There is one more period than there are last days.
        period.map_or(&self.op, |op| op.get_or_init(|| self.op.with_entries(|entry| days.counts(entry, date))))
    }

    /// The operator on the entries that count now, where the ticket is.
    pub(crate) fn op_now(&self, facts: Facts<'_>) -> &Op {
        match &self.dated {
            Some(_) => self.op_on(facts.hours().date(facts.now)),
            None => &self.op,
        }
    }

    /// The last days that are over, latest first, each with the operator on its entries.
    pub(crate) fn past(&self, facts: Facts<'_>) -> Vec<(Date, Op)> {
        let Some(days) = self.last_days() else { return vec![] };
        let past = days.ends.iter().take(days.period(facts.hours().date(facts.now))).rev();
        past.map(|last| (*last, self.op.with_entries(|entry| days.of(entry) == Some(*last)))).collect()
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
