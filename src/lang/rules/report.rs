//! Checked reports.

use super::{Audience, Condition, Mode, Span, Statuses};
use crate::desk::{FieldRef, Kind, Metric, SlaTarget};

/// A report: measures computed over tickets.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its title, unique among reports.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode; a disabled report is not listed.
    pub mode: Mode,
    /// The tickets it covers. Contains no predicates on events.
    pub filter: Condition,
    /// The measures, at least one.
    pub measures: Vec<Measure>,
    /// The splits, at most two.
    pub by: Vec<Split>,
    /// The period it covers; `None` for all time.
    pub over: Option<Over>,
    /// Whether it is compared with the previous period; if so, `over` is set.
    pub compare: bool,
    /// The chart type.
    pub chart: Chart,
    /// Who can see it; if empty, every agent.
    pub visible_to: Vec<Audience>,
    /// Its source span.
    pub span: Span,
}

/// A measure of a report: one number computed from a group of tickets.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// `count`: number of tickets.
    Count,
    /// `distinct requesters`: number of distinct requesters of the tickets.
    Requesters,
    /// `reach`: sum of the followers of the distinct requesters.
    Reach,
    /// `median first_reply_time`: an aggregate of a quantity of the tickets.
    Of {
        /// The aggregate function.
        aggregate: Aggregate,
        /// The aggregated quantity.
        quantity: Quantity,
    },
}

/// An aggregate function. Tickets without the quantity are ignored; if none remain, there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// `average`
    Average,
    /// `median`: for an even number of values, the mean of the two in the middle.
    Median,
    /// `p90`: the 90th percentile, by the nearest-rank method.
    P90,
    /// `sum`
    Sum,
    /// `least`
    Least,
    /// `most`
    Most,
}

impl Aggregate {
    /// All aggregates, in the order of the documentation.
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

/// The quantity measured for each ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// A number field.
    Field(FieldRef),
    /// A duration, in seconds.
    Time {
        /// The metric, which defines the start and the end.
        metric: &'static Metric,
        /// Whether it counts only the time in which the desk is open.
        business: bool,
    },
    /// `time in status open`: the time spent in these statuses until now, in seconds. Zero for a ticket that never had
    /// one of them.
    TimeIn {
        /// The statuses.
        statuses: Statuses,
        /// Whether it counts only the time in which the desk is open.
        business: bool,
    },
    /// `first reply in time`: 100 if a target of the service level agreement was met, 0 if it was missed. Its average
    /// is the share in percent.
    InTime(SlaTarget),
    /// `satisfaction score`: 100 if the ticket was rated good, 0 if bad. Its average is the share in percent.
    SatisfactionScore,
    /// `satisfaction response`: 100 if a requester who was asked has answered, 0 if not.
    SatisfactionResponse,
}

impl Quantity {
    /// Whether it is a length of time, which is counted in milliseconds and reported in seconds.
    pub const fn is_time(&self) -> bool {
        matches!(self, Self::Time { .. } | Self::TimeIn { .. })
    }

    /// Whether it is a decimal number, which is counted in its units.
    pub fn is_decimal(&self) -> bool {
        matches!(self, Self::Field(field) if field.kind() == Kind::Decimal)
    }

    /// Whether it is 100 or 0 for each ticket, so that its average is a share in percent.
    pub const fn is_share(&self) -> bool {
        matches!(self, Self::InTime(_) | Self::SatisfactionScore | Self::SatisfactionResponse)
    }

    /// Whether it counts only the time in which the desk is open.
    pub const fn is_business(&self) -> bool {
        matches!(self, Self::Time { business: true, .. } | Self::TimeIn { business: true, .. })
    }
}

/// A dimension by which tickets are split.
#[derive(Debug, Clone, PartialEq)]
pub enum Split {
    /// `channel`: by the value of a field. A ticket with several tags counts under each of them.
    Field(FieldRef),
    /// `day of created`: by a calendar unit, in the desk's time zone.
    Time {
        /// The calendar unit.
        unit: Calendar,
        /// The time field.
        of: FieldRef,
    },
    /// `requester.followers in bands (1_000, 10_000)`: below 1,000, from 1,000 to below 10,000, and from 10,000.
    Bands {
        /// A number field.
        field: FieldRef,
        /// The lower bounds of the bands, ascending.
        from: Vec<i64>,
    },
}

/// A calendar unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// `hour of week`: one of 168 hours, starting on Monday at midnight.
    HourOfWeek,
    /// `day`
    Day,
    /// `week`, starting on Monday.
    Week,
    /// `month`
    Month,
}

/// The period of a report, in the desk's time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// The time field that must be in the period.
    pub of: FieldRef,
    /// The period.
    pub period: Period,
}

/// A period of time: relative or absolute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `last 30 days`: a number of calendar units, including the current one.
    Last(i32, PeriodUnit),
    /// `2026-01-01 to 2026-02-01`: from the start of the first day to the start of the second, exclusive.
    Between(jiff::civil::Date, jiff::civil::Date),
}

/// The unit of a relative period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum PeriodUnit {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// A chart type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chart {
    /// No chart, only a table of numbers.
    #[default]
    Table,
    /// A bar chart with one bar for each row.
    Bars,
    /// A line chart over time.
    Lines,
    /// A heatmap over two splits, or over the hours of the week.
    Heatmap,
}
