//! Checks reports: measures, splits, periods and charts.

use super::{
    Checker, Where,
    value::{no_moment, shortened, written},
};
use crate::{
    desk::{
        FieldRef, Kind, Scope,
        metric::{METRICS, metric},
        moment::day,
    },
    lang::{
        ast::{self, AstNode, Titled, span_of},
        codes,
        diagnostic::Diagnostic,
        rules::{
            Aggregate, Calendar, Chart, Condition, Measure, Mode, Over, Period, PeriodUnit, Quantity, Report, Split,
        },
        suggest::{did_you_mean, listed, nearest},
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, range},
    },
};

/// Maximum number of measures of a report, and of bands of a split.
const MAX_MEASURES: usize = 12;
const MAX_BANDS: usize = 50;

impl Checker<'_, '_> {
    pub(super) fn report_item(&mut self, node: &ast::Report) -> Option<Report> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let filter = self.only(node.filter());
        let measure = self.only(node.measure());
        let by = self.only(node.by());
        let over = self.only(node.over());
        let compare = self.only(node.compare());
        let chart = self.only(node.chart());
        let visible = self.only(node.visible());
        if measure.is_none() && !node.is_broken() {
            let error = Diagnostic::new(&codes::TW0115, node.title_span(), "missing `measure` in a report");
            self.report(error.with_help("write `measure count`, for example"));
        }
        if let Some(when) = filter.as_ref().and_then(|c| c.when()) {
            let message = "reports use `where` instead of `when`";
            self.report(Diagnostic::new(&codes::TW0106, range(&when), message).with_fix(range(&when), "where"));
        }
        let span = self.span(node.title_span());
        let filter = match filter {
            Some(clause) => clause.condition().and_then(|c| self.condition(&c, Where::Report)),
            None => Some(Condition::always(span.clone())),
        };
        let measures: Vec<_> = measure.iter().flat_map(|c| c.measures()).map(|m| self.measure(&m)).collect();
        if let Some(over) = measure.iter().flat_map(|c| c.measures()).nth(MAX_MEASURES) {
            self.error(&codes::TW0109, over.span(), format!("too many measures: a report has at most {MAX_MEASURES}"));
        }
        let splits: Vec<_> = by.iter().flat_map(|c| c.splits()).collect();
        if let Some(third) = splits.get(2) {
            let error = Diagnostic::new(&codes::TW0115, third.span(), "too many splits: a report has at most two");
            self.report(error.with_help("write a second report"));
        }
        let by: Vec<_> = splits.iter().map(|s| self.split(s)).collect();
        let over = over.map(|clause| self.over(&clause));
        if let Some(compare) = compare.as_ref().filter(|_| over.is_none() && !node.is_broken()) {
            let error = Diagnostic::new(&codes::TW0115, compare.span(), "`compare to previous period` needs `over`");
            self.report(error.with_help("add a period, such as `over last 30 days`"));
        }
        // A `by` that did not parse may split by anything.
        let by = by.into_iter().collect::<Option<Vec<_>>>().filter(|by| !by.is_empty() || !node.is_broken());
        let chart = match chart {
            Some(clause) => self.chart(&clause, by.as_deref()),
            None => Some(Chart::Table),
        };
        let visible_to = visible.map(|clause| self.audience(&clause)).unwrap_or_default();
        // All clauses have been checked, so an invalid one does not hide the errors of the others.
        let (title, _) = node.title()?;
        Some(Report {
            title,
            doc: node.doc(),
            mode,
            filter: filter?,
            measures: measures.into_iter().collect::<Option<Vec<_>>>().filter(|m| !m.is_empty())?,
            by: by?,
            over: match over {
                Some(over) => Some(over?),
                None => None,
            },
            compare: compare.is_some(),
            chart: chart?,
            visible_to,
            span,
        })
    }

    fn measure(&mut self, node: &ast::Measure) -> Option<Measure> {
        if let Some(in_time) = node.in_time() {
            return self.in_time(&in_time);
        }
        let mut paths = node.words();
        let how = paths.next()?;
        let what = paths.next();
        let alone = |checker: &mut Self, measure| match &what {
            None => Some(measure),
            Some(what) => {
                let message = format!("`{}` takes no quantity", how.text());
                let error = Diagnostic::new(&codes::TW0115, range(what), message);
                checker.report(error.with_help("separate measures with commas"));
                None
            }
        };
        match (how.text(), what.as_ref().map(|w| w.text())) {
            ("count", _) => return alone(self, Measure::Count),
            ("reach", _) => return alone(self, Measure::Reach),
            ("distinct", Some("requesters")) => return Some(Measure::Requesters),
            ("satisfaction", Some("score")) => return Some(share(Quantity::SatisfactionScore)),
            ("satisfaction", Some("response")) => return Some(share(Quantity::SatisfactionResponse)),
            ("satisfaction" | "csat", _) => {
                let span = node.span();
                let error = Diagnostic::new(
                    &codes::TW0210,
                    span.clone(),
                    "expected `satisfaction score` or `satisfaction response`",
                );
                let help = "the share of good ratings, or of those who were asked that answered";
                self.report(error.with_help(help).with_guess(span, "satisfaction score"));
                return None;
            }
            ("distinct", _) => {
                let span = what.as_ref().map_or_else(|| range(&how), range);
                let error = Diagnostic::new(&codes::TW0115, span.clone(), "`distinct` counts only requesters");
                self.report(error.with_help("write `distinct requesters`"));
                return None;
            }
            _ => {}
        }
        let Some(aggregate) = Aggregate::ALL.into_iter().find(|a| a.as_str() == how.text()) else {
            self.unknown_measure(&how, what.is_some());
            return None;
        };
        if let Some(time_in) = node.time_in() {
            let (_, statuses) = self.time_in(&time_in)?;
            let quantity = Quantity::TimeIn { statuses, business: node.business().is_some() };
            return Some(Measure::Of { aggregate, quantity });
        }
        let Some(what) = what else {
            let message = format!("missing quantity after `{}`", how.text());
            let help = format!("write `{} first_reply_time`, for example", how.text());
            self.report(Diagnostic::new(&codes::TW0115, range(&how), message).with_help(help));
            return None;
        };
        let quantity = self.quantity(&what, node.business().as_ref())?;
        Some(Measure::Of { aggregate, quantity })
    }

    /// Checks `first reply in time`.
    fn in_time(&mut self, node: &ast::InTime) -> Option<Measure> {
        let target = super::sla::target(&node.target()?);
        if target.done_field().is_none() {
            let message = format!("`{}` comes up again and again, and is not measured", target.as_str());
            let error = Diagnostic::new(&codes::TW0210, node.span(), message);
            self.report(error.with_help("write `first reply in time` or `solve in time`"));
            return None;
        }
        Some(share(Quantity::InTime(target)))
    }

    fn unknown_measure(&mut self, how: &SyntaxToken, of: bool) {
        let whole = ["count", "reach", "distinct requesters", "satisfaction score", "satisfaction response"];
        let known: Vec<&str> = whole.into_iter().chain(Aggregate::ALL.map(Aggregate::as_str)).collect();
        let word = match how.text() {
            "mean" | "avg" => Some("average"),
            "min" | "minimum" => Some("least"),
            "max" | "maximum" => Some("most"),
            "total" => Some("sum"),
            text => nearest(text, known.iter().copied()),
        };
        let message = format!("unknown measure `{}`{}", shortened(how.text()), did_you_mean(word));
        let help = match metric(how.text()).is_some() && !of {
            true => format!("write `median {}`, for example", how.text()),
            false => format!("measures are {}", listed(known)),
        };
        let error = Diagnostic::new(&codes::TW0210, range(how), message).with_help(help);
        self.report(match word {
            Some(word) => error.with_guess(range(how), word),
            None => error,
        });
    }

    /// Resolves the quantity of a measure: a duration metric or a number field.
    fn quantity(&mut self, what: &SyntaxToken, business: Option<&SyntaxToken>) -> Option<Quantity> {
        if let Some(metric) = metric(what.text()) {
            return Some(Quantity::Time { metric, business: business.is_some() });
        }
        let Some(field) = FieldRef::find(what.text(), self.context.desk) else {
            if what.text().starts_with("field.") && self.context.has_gap("field") {
                return None;
            }
            let fields = &self.context.field_names;
            let metrics = METRICS.iter().map(|m| m.name);
            let word = nearest(what.text(), metrics.clone().chain(fields.iter().map(String::as_str)));
            let message = format!("unknown quantity `{}`{}", shortened(what.text()), did_you_mean(word));
            let help = format!("quantities are {}, and number fields", listed(metrics));
            let error = Diagnostic::new(&codes::TW0210, range(what), message).with_help(help);
            let word = word.map(str::to_owned);
            self.report(match word {
                Some(word) => error.with_guess(range(what), word),
                None => error,
            });
            return None;
        };
        if !matches!(field.kind(), Kind::Number | Kind::Decimal) || field.scope() != Scope::Ticket {
            let message = format!("`{field}` is {}, but only numbers and durations can be measured", field.kind());
            let help = match &*field.name() {
                "satisfaction" => "write `satisfaction score` without an aggregate".to_owned(),
                _ => format!("durations are {}", listed(METRICS.iter().map(|m| m.name))),
            };
            self.report(Diagnostic::new(&codes::TW0301, range(what), message).with_help(help));
            return None;
        }
        if let Some(business) = business {
            let message = format!("`{field}` is a number, not a duration");
            self.report(Diagnostic::new(&codes::TW0301, range(business), message).with_fix(range(business), ""));
            return None;
        }
        Some(Quantity::Field(field))
    }

    fn split(&mut self, node: &ast::Split) -> Option<Split> {
        let paths: Vec<_> = node.words().collect();
        let words: Vec<&str> = paths.iter().map(|t| t.text()).collect();
        let (last, before) = (paths.last()?, words.get(..words.len() - 1).unwrap_or_default());
        let unit = match before {
            [] => None,
            ["day"] => Some(Calendar::Day),
            ["week"] => Some(Calendar::Week),
            ["month"] => Some(Calendar::Month),
            ["hour", "week"] => Some(Calendar::HourOfWeek),
            _ => {
                let message = "unknown calendar unit";
                let error = Diagnostic::new(&codes::TW0115, node.span(), message);
                self.report(error.with_help("write `day of created`, or `hour of week of created`"));
                return None;
            }
        };
        if let (None, unit @ ("day" | "week" | "month")) = (unit, last.text()) {
            let error = Diagnostic::new(&codes::TW0115, range(last), format!("missing time after `{unit}`"));
            self.report(error.with_guess(range(last), format!("{unit} of created")));
            return None;
        }
        let field = self.field(last)?;
        if field.scope() != Scope::Ticket {
            let message = format!("`{field}` is not a field of the ticket, so a report cannot split by it");
            self.error(&codes::TW0304, range(last), message);
            return None;
        }
        let bands = node.bands();
        match (unit, field.kind(), bands) {
            (Some(unit), Kind::Time, None) => Some(Split::Time { unit, of: field }),
            (Some(_), kind, _) => {
                let message = format!("`{field}` is {kind}, not a time");
                self.error(&codes::TW0301, range(last), message);
                None
            }
            (None, Kind::Time, _) => {
                let message = format!("missing calendar unit: `{field}` is a time");
                let error = Diagnostic::new(&codes::TW0301, range(last), message);
                self.report(error.with_guess(range(last), format!("day of {field}")));
                None
            }
            (None, Kind::Number, Some(list)) => self.bands(field, &list),
            (None, Kind::Number, None) => {
                let message = format!("cannot split by the number `{field}` without bands");
                let help = format!("write `{field} in bands (100, 1_000)`");
                self.report(Diagnostic::new(&codes::TW0301, range(last), message).with_help(help));
                None
            }
            (None, Kind::Decimal, None) => {
                let message = format!("cannot split by the decimal number `{field}`");
                let help = format!("it can be measured: `measure sum {field}`");
                self.report(Diagnostic::new(&codes::TW0301, range(last), message).with_help(help));
                None
            }
            (None, kind, Some(list)) => {
                let message = format!("bands are for whole numbers, but `{field}` is {kind}");
                self.error(&codes::TW0301, list.span(), message);
                None
            }
            (None, _, None) => Some(Split::Field(field)),
        }
    }

    fn bands(&mut self, field: FieldRef, list: &ast::List) -> Option<Split> {
        let mut from = vec![];
        for value in list.values() {
            let token = match &value {
                SyntaxElement::Token(token) if token.kind() == SyntaxKind::Number => token,
                _ => {
                    self.error(&codes::TW0302, span_of(&value), "expected a whole number as the start of a band");
                    return None;
                }
            };
            let number = self.whole(token)?;
            if from.last().is_some_and(|last| *last >= number) {
                self.error(&codes::TW0302, span_of(&value), "bands must be in ascending order");
                return None;
            }
            from.push(number);
        }
        if from.is_empty() || from.len() > MAX_BANDS {
            self.error(&codes::TW0310, list.span(), format!("expected 1 to {MAX_BANDS} bands"));
            return None;
        }
        Some(Split::Bands { field, from })
    }

    fn over(&mut self, node: &ast::OverClause) -> Option<Over> {
        let path = node.words().last().filter(|_| node.of());
        let of = match &path {
            Some(path) => self.field(path)?,
            None => FieldRef::find("created", self.context.desk)?,
        };
        if let Some(path) = path.as_ref().filter(|_| of.kind() != Kind::Time) {
            let message = format!("`{of}` is {}, not a time", of.kind());
            self.error(&codes::TW0301, range(path), message);
            return None;
        }
        let mut values = node.values().filter(|value| Some(value) != path.clone().map(SyntaxElement::Token).as_ref());
        let first = values.next()?;
        let period = match node.last() {
            true => self.last(&first)?,
            false => {
                let (from, to) = (self.date(&first), values.next().and_then(|value| self.date(&value)));
                let (from, to) = (from?, to?);
                if from >= to {
                    let error = Diagnostic::new(&codes::TW0302, node.span(), "the period ends before it starts");
                    self.report(error.with_help("the second date is the first day after the period"));
                    return None;
                }
                Period::Between(from, to)
            }
        };
        Some(Over { of, period })
    }

    fn last(&mut self, value: &SyntaxElement) -> Option<Period> {
        let node = match value {
            SyntaxElement::Node(node) => ast::Duration::cast(node.clone()).filter(|duration| !duration.business()),
            SyntaxElement::Token(_) => None,
        };
        let Some(node) = node else {
            {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "expected a calendar period");
                self.report(error.with_help("write a period as `last 30 days`, `last 12 weeks` or `last 6 months`"));
                return None;
            }
        };
        let unit = node.unit()?;
        let unit = match unit.text().trim_end_matches('s') {
            "hour" => PeriodUnit::Hour,
            "day" => PeriodUnit::Day,
            "week" => PeriodUnit::Week,
            "month" => PeriodUnit::Month,
            "year" => PeriodUnit::Year,
            other => {
                let error =
                    Diagnostic::new(&codes::TW0302, range(&unit), format!("{other}s are too short for a report"));
                self.report(error.with_help("use hours, days, weeks, months or years"));
                return None;
            }
        };
        let count = self.whole(&node.count()?)?;
        let most = match unit {
            PeriodUnit::Hour => 24 * 366,
            PeriodUnit::Day => 10 * 366,
            PeriodUnit::Week => 530,
            PeriodUnit::Month => 120,
            PeriodUnit::Year => 10,
        };
        match i32::try_from(count).ok().filter(|count| (1..=most).contains(count)) {
            Some(count) => Some(Period::Last(count, unit)),
            None => {
                self.error(&codes::TW0116, span_of(value), format!("number out of range: expected 1 to {most}"));
                None
            }
        }
    }

    fn date(&mut self, value: &SyntaxElement) -> Option<jiff::civil::Date> {
        let error = match (value.kind(), day(&written(value))) {
            (SyntaxKind::Instant, Ok(day)) => return Some(day),
            (SyntaxKind::Instant, Err(why)) => no_moment(value, "day", &why),
            _ => Diagnostic::new(&codes::TW0302, span_of(value), "expected a date"),
        };
        self.report(error.with_help("write a date as `2026-01-31`"));
        None
    }

    fn chart(&mut self, node: &ast::ChartClause, by: Option<&[Split]>) -> Option<Chart> {
        let path = node.name()?;
        let known = ["bars", "lines", "table", "heatmap"];
        let chart = match path.text() {
            "bars" => Chart::Bars,
            "lines" => Chart::Lines,
            "table" => Chart::Table,
            "heatmap" => Chart::Heatmap,
            word => {
                let meant = nearest(word, known);
                let message = format!("unknown chart `{}`{}", shortened(word), did_you_mean(meant));
                let error = Diagnostic::new(&codes::TW0210, range(&path), message);
                self.report(match meant {
                    Some(meant) => error.with_guess(range(&path), meant),
                    None => error.with_help(format!("charts are {}", listed(known))),
                });
                return None;
            }
        };
        let missing = match (chart, by?) {
            (Chart::Lines, [Split::Time { unit, .. }, ..]) if *unit != Calendar::HourOfWeek => None,
            (Chart::Lines, _) => Some("a line chart needs a time axis: write `by day of created` first"),
            (Chart::Heatmap, [Split::Time { unit: Calendar::HourOfWeek, .. }] | [_, _]) => None,
            (Chart::Heatmap, _) => Some("a heatmap needs two splits, or `by hour of week of created`"),
            (Chart::Bars, []) => Some("a bar chart needs a split: add `by`"),
            _ => None,
        };
        if let Some(missing) = missing {
            self.error(&codes::TW0115, range(&path), missing);
            return None;
        }
        Some(chart)
    }
}

/// The share of tickets that count, in percent.
fn share(quantity: Quantity) -> Measure {
    Measure::Of { aggregate: Aggregate::Average, quantity }
}
