//! Reports, checked.

use super::{Audience, Condition, Mode, Span};
use crate::desk::{FieldRef, Metric};

/// Numbers about tickets.
#[derive(Debug, PartialEq)]
pub struct Report {
    /// Its title, unique among reports.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// How it takes part; a disabled one is not listed.
    pub mode: Mode,
    /// Which tickets are counted. Never asks about an event.
    pub filter: Condition,
    /// What is measured, at least one thing.
    pub measures: Vec<Measure>,
    /// What it is split by, at most two things.
    pub by: Vec<Split>,
    /// Which time it is about; `None` is all of it.
    pub over: Option<Over>,
    /// Whether the same is measured over the period before, which then is there.
    pub compare: bool,
    /// How it is drawn.
    pub chart: Chart,
    /// Who sees it; nobody named means everybody.
    pub visible_to: Vec<Audience>,
    /// Where it stands.
    pub span: Span,
}

/// A measure of a report: one number computed from a group of tickets.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// `count`: how many tickets.
    Count,
    /// `distinct requesters`: how many people they belong to.
    Requesters,
    /// `reach`: how many followers those people have together, each person counted once.
    Reach,
    /// `median first_reply_time`: one number made of a quantity of each ticket.
    Of {
        /// How it is made.
        aggregate: Aggregate,
        /// Of what.
        quantity: Quantity,
    },
}

/// How one number is made of many. Tickets without the quantity are left out; of none there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// `average`
    Average,
    /// `median`: of an even number, the mean of the two in the middle.
    Median,
    /// `p90`: the least that nine of ten do not exceed.
    P90,
    /// `sum`
    Sum,
    /// `least`
    Least,
    /// `most`
    Most,
}

impl Aggregate {
    /// Every one, in the order in which the documentation lists them.
    pub const ALL: [Self; 6] = [Self::Average, Self::Median, Self::P90, Self::Sum, Self::Least, Self::Most];

    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Median => "median",
            Self::P90 => "p90",
            Self::Sum => "sum",
            Self::Least => "least",
            Self::Most => "most",
        }
    }
}

/// What is measured of each ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// A number field.
    Field(FieldRef),
    /// The time from one thing to another, in seconds.
    Time {
        /// From where to where.
        metric: &'static Metric,
        /// Whether only the time in which the desk is open counts.
        business: bool,
    },
}

/// What tickets are split by.
#[derive(Debug, Clone, PartialEq)]
pub enum Split {
    /// `channel`: by the value of a field; for a set of tags, a ticket counts under each.
    Field(FieldRef),
    /// `day of created`: by the calendar of the desk's time zone.
    Time {
        /// How finely.
        unit: Calendar,
        /// Of which time.
        of: FieldRef,
    },
    /// `requester.followers in bands (1_000, 10_000)`: below the first, from each up to the next, from the last up.
    Bands {
        /// A number field.
        field: FieldRef,
        /// Where bands start, ascending.
        from: Vec<i64>,
    },
}

/// A part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// `hour of week`: from Monday at midnight on, 168 of them.
    HourOfWeek,
    /// `day`
    Day,
    /// `week`, from Monday on.
    Week,
    /// `month`
    Month,
}

/// A period of time, in the desk's time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// Which time of a ticket lies in it.
    pub of: FieldRef,
    /// From when to when.
    pub period: Period,
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `last 30 days`: so many of the calendar, the one at hand included.
    Last(i32, PeriodUnit),
    /// `2026-01-01 to 2026-02-01`: from the start of one day to the start of another.
    Between(jiff::civil::Date, jiff::civil::Date),
}

/// What periods are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum PeriodUnit {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// How a report is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chart {
    /// Not at all: numbers only.
    #[default]
    Table,
    /// A bar for each row.
    Bars,
    /// A line over time.
    Lines,
    /// Colours over two splits, or over the hours of the week.
    Heatmap,
}
