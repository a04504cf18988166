//! Results as Markdown tables.

use std::fmt::Write as _;

/// Measurements of one engine with one number of rules.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Nanoseconds per ticket.
    pub ticket: f64,
    /// Allocations per ticket.
    pub allocations: f64,
    /// Milliseconds to build.
    pub build: f64,
    /// Bytes per rule.
    pub bytes: f64,
    /// Nanoseconds per ticket with one thread and with two.
    pub threads: Option<(f64, f64)>,
}

/// An engine and its measurements with 10, 100, … rules; `None` where it would take too long.
#[derive(Debug)]
pub struct Row {
    pub engine: &'static str,
    pub measured: Vec<Option<Measured>>,
}

/// A table of one measurement; rows without it are left out.
pub fn table(
    title: &str,
    counts: &[usize],
    rows: &[Row],
    figure: impl Fn(&Measured, usize) -> Option<String>,
) -> String {
    let mut text = format!("{title}\n\n| engine |");
    for count in counts {
        write!(text, " {} |", grouped(*count as f64)).expect("a string takes anything");
    }
    text += if counts.len() == 1 { "\n| --- | ---: |" } else { "\n| --- |" };
    if counts.len() > 1 {
        text += &" ---: |".repeat(counts.len());
    }
    text.push('\n');
    for row in rows {
        let figures = row.measured.iter().enumerate().map(|(at, m)| m.as_ref().and_then(|m| figure(m, at)));
        let figures: Vec<_> = figures.collect();
        if figures.iter().any(Option::is_some) {
            let figures = figures.into_iter().map(|figure| figure.unwrap_or_else(|| "-".to_owned()));
            writeln!(text, "| {} | {} |", row.engine, figures.collect::<Vec<_>>().join(" | "))
                .expect("a string takes anything");
        }
    }
    text
}

/// Rounded to an integer, with thousands separators.
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0.0 && text != "0" { format!("-{text}") } else { text }
}

/// Rounded to its significant digits.
pub fn short(number: f64) -> String {
    match number {
        n if n.abs() < 10.0 => format!("{n:.2}"),
        n if n.abs() < 100.0 => format!("{n:.1}"),
        n => grouped(n),
    }
}
