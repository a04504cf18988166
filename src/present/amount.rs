//! Formats measured values with their unit.

use crate::lang::display::Grouped;

/// A value with its unit; `–` if there is no value.
pub(crate) fn amount(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match unit {
        "seconds" => length(value, true),
        // Of a business day, nobody knows the length.
        "business seconds" => length(value, false),
        "percent" => format!("{value:.0} %"),
        _ if value.fract() == 0.0 && value.abs() < 1e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and far below 2^53")]
            let whole = value as i64;
            Grouped(whole).to_string().replace('_', ",")
        }
        _ => format!("{value:.1}"),
    }
}

/// A duration in its two largest units, of which the largest are days or hours.
fn length(seconds: f64, in_days: bool) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    #[expect(clippy::cast_possible_truncation, reason = "lengths of time are far below 2^53 seconds")]
    let whole = seconds.abs().round() as i64;
    let days = if in_days { whole / 86_400 } else { 0 };
    let (hours, minutes) = (whole / 3_600 - 24 * days, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{whole} s"),
        (0, 0, minutes) => format!("{sign}{minutes} min"),
        (0, hours, minutes) => format!("{sign}{hours} h {minutes:02} min"),
        (days, hours, _) => format!("{sign}{days} d {hours:02} h"),
    }
}
