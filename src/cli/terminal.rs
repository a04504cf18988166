//! Standard output and standard error.
//!
//! Everything is written through [`Out`]: it spells out control characters for people, and escapes them in JSON. A closed
//! pipe (`twite check | head -1`) and a standard error that cannot be written do not change the exit status.

use std::{
    env,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicU8, Ordering},
};

use clap::ValueEnum;

use crate::{desk::visible::is_control, lang::render::Style};

/// When to use colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal; `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` are respected.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The value of `--color`.
static COLOR: AtomicU8 = AtomicU8::new(Color::Auto as u8);

impl Color {
    pub(super) fn choose(self) {
        COLOR.store(self as u8, Ordering::Relaxed);
    }
}

/// Whether to write colours to this stream.
pub(super) fn colored(stream: &impl IsTerminal) -> bool {
    match COLOR.load(Ordering::Relaxed) {
        c if c == Color::Always as u8 => true,
        c if c == Color::Never as u8 => false,
        _ => colored_by(|name| env::var(name).ok(), stream.is_terminal()),
    }
}

/// Whether to use colours, by the conventions of no-color.org, force-color.org and bixense.com/clicolors.
fn colored_by(variable: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let forced = |name| set(name).map(|value| value != "0");
    if set("NO_COLOR").is_some() {
        return false;
    }
    match forced("FORCE_COLOR").or_else(|| forced("CLICOLOR_FORCE").filter(|forced| *forced)) {
        Some(forced) => forced,
        None => terminal && set("TERM").is_none_or(|term| term != "dumb") && set("CLICOLOR").is_none_or(|v| v != "0"),
    }
}

/// Whether the locale is ASCII only. Without a locale, as in containers, UTF-8 is assumed.
pub(super) fn ascii() -> bool {
    ascii_by(|name| env::var(name).ok())
}

fn ascii_by(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale == "c"
            || locale == "posix"
            || (locale.contains('.') && !locale.contains("utf-8") && !locale.contains("utf8"))
    })
}

/// Colours, characters and width of a stream; the width is from `COLUMNS` if the stream is not a terminal.
pub(super) fn style(stream: &impl IsTerminal) -> Style {
    let size = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let said = || env::var("COLUMNS").ok()?.parse().ok();
    let columns = if stream.is_terminal() { size().or_else(said) } else { said() };
    Style { color: colored(stream), ascii: ascii(), columns: columns.filter(|columns| *columns > 0) }
}

/// How control characters are written to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people: control characters are spelt out.
    People { color: bool },
    /// JSON: control characters are escaped.
    Json,
    /// Bytes are written unchanged; the caller has escaped them.
    Verbatim,
}

/// How write errors are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errors {
    /// Fail, unless the pipe is closed.
    Matter,
    /// Fail, also when the pipe is closed.
    AllMatter,
    /// Ignore it.
    Pass,
}

/// A stream that a command writes to.
///
/// Writes after the pipe was closed are dropped without an error.
pub(crate) struct Out<W> {
    stream: W,
    form: Form,
    errors: Errors,
    /// Whether the pipe was closed.
    gone: bool,
}

/// Standard output for formats other than JSON; bytes are written unchanged.
pub(crate) fn verbatim() -> Out<io::StdoutLock<'static>> {
    stdout(Form::Verbatim)
}

/// Standard output for people.
pub(crate) fn people() -> Out<io::StdoutLock<'static>> {
    stdout(Form::People { color: colored(&io::stdout()) })
}

/// Standard output for programs that read JSON.
pub(crate) fn json() -> Out<io::StdoutLock<'static>> {
    stdout(Form::Json)
}

/// Standard output for people if `people_read`, else as JSON.
pub(crate) fn people_or_json(people_read: bool) -> Out<io::StdoutLock<'static>> {
    if people_read { people() } else { json() }
}

fn stdout(form: Form) -> Out<io::StdoutLock<'static>> {
    Out { stream: io::stdout().lock(), form, errors: Errors::Matter, gone: false }
}

/// Standard error, formatted for people.
pub(crate) fn remarks() -> Out<io::StderrLock<'static>> {
    let form = Form::People { color: colored(&io::stderr()) };
    Out { stream: io::stderr().lock(), form, errors: Errors::Pass, gone: false }
}

impl<W: Write> Out<W> {
    /// Makes writes fail if the pipe is closed, for commands that would otherwise continue to work in vain.
    pub(crate) fn strict(self) -> Self {
        Self { errors: Errors::AllMatter, ..self }
    }

    fn kept<T>(&mut self, written: io::Result<T>, instead: T) -> io::Result<T> {
        match written {
            Err(error)
                if self.errors == Errors::Pass
                    || (self.errors == Errors::Matter && error.kind() == io::ErrorKind::BrokenPipe) =>
            {
                self.gone = true;
                Ok(instead)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let written = match self.form {
            Form::Verbatim => self.stream.write(bytes),
            Form::Json => self.stream.write_all(&escaped_json(bytes)).map(|()| bytes.len()),
            Form::People { color } => self.stream.write_all(shown(bytes, color, true).as_bytes()).map(|()| bytes.len()),
        };
        self.kept(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = if self.gone { Ok(()) } else { self.stream.flush() };
        self.kept(flushed, ())
    }
}

/// The writer of the log: one event per line, with line breaks in an event escaped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Log {
    Text,
    Json,
}

impl Write for Log {
    /// The subscriber writes each event at once, with a line break at its end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let mut line = match self {
            Self::Text => shown(event, colored(&io::stderr()), false).into_bytes(),
            Self::Json => escaped_json(event),
        };
        line.push(b'\n');
        // Errors are ignored, because the subscriber would panic: a failing log must not stop the daemon.
        let _ = io::stderr().lock().write_all(&line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

/// Escapes control characters, except line breaks and tabs if `lines`, and except colour codes if `color`.
fn shown(bytes: &[u8], color: bool, lines: bool) -> String {
    let text = String::from_utf8_lossy(bytes);
    let steers = |c: char| is_control(c) && !(lines && matches!(c, '\n' | '\t'));
    let mut shown = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(steers) {
        let (plain, after) = rest.split_at(at);
        shown.push_str(plain);
        let length = if color { sgr(after) } else { 0 };
        let mut chars = after.chars();
        rest = match (length, chars.next()) {
            (0, Some(c)) => {
                shown.extend(c.escape_unicode());
                chars.as_str()
            }
            (length, _) => {
                let (colour, after) = after.split_at(length);
                shown.push_str(colour);
                after
            }
        };
    }
    shown.push_str(rest);
    shown
}

/// JSON with the control characters in strings escaped. Outside of strings, the only ones are line breaks.
fn escaped_json(bytes: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push(c),
            // All control characters are in the Basic Multilingual Plane, so four hex digits are enough.
            c if is_control(c) => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped.into_bytes()
}

/// The length of the colour sequence (SGR) at the start of a text; 0 for none.
fn sgr(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let parameters = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
    if rest.as_bytes().get(parameters) == Some(&b'm') { 2 + parameters + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_what_a_terminal_shows() {
        let colored = |environment: &[(&str, &str)], terminal| {
            colored_by(|name| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()), terminal)
        };
        for (environment, at_terminal, elsewhere) in [
            (&[][..], true, false),
            (&[("NO_COLOR", "1")], false, false),
            (&[("NO_COLOR", "")], true, false),
            (&[("TERM", "dumb")], false, false),
            (&[("TERM", "xterm")], true, false),
            (&[("FORCE_COLOR", "1")], true, true),
            (&[("FORCE_COLOR", "0")], false, false),
            (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (&[("CLICOLOR_FORCE", "0")], true, false),
            (&[("CLICOLOR", "0")], false, false),
            (&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false, false),
        ] {
            assert_eq!(
                (colored(environment, true), colored(environment, false)),
                (at_terminal, elsewhere),
                "{environment:?}"
            );
        }
        let ascii = |locale: &str| ascii_by(|name| (name == "LC_ALL").then(|| locale.to_owned()));
        for (locale, only_ascii) in [
            ("", false),
            ("C", true),
            ("POSIX", true),
            ("C.UTF-8", false),
            ("de_DE.utf8", false),
            ("de_DE.ISO-8859-1", true),
        ] {
            assert_eq!(ascii(locale), only_ascii, "{locale}");
        }
    }

    #[test]
    fn nothing_written_for_people_steers_their_terminal() {
        let hostile = "a\u{1b}[2Jb\u{1b}[31mc\u{1b}[0m\r\u{9b}1m\u{202e}\n\td\u{2028}";
        assert_eq!(
            shown(hostile.as_bytes(), false, true),
            "a\\u{1b}[2Jb\\u{1b}[31mc\\u{1b}[0m\\u{d}\\u{9b}1m\\u{202e}\n\td\\u{2028}"
        );
        assert_eq!(
            shown(hostile.as_bytes(), true, true),
            "a\\u{1b}[2Jb\u{1b}[31mc\u{1b}[0m\\u{d}\\u{9b}1m\\u{202e}\n\td\\u{2028}"
        );
    }

    #[test]
    fn json_says_the_same_without_the_characters_themselves() {
        let text: String = (0..0x11_0000).filter_map(char::from_u32).collect();
        let json = serde_json::to_string_pretty(&vec![&text]).unwrap();
        let escaped = String::from_utf8(escaped_json(json.as_bytes())).unwrap();
        assert!(!escaped.contains(|c| c != '\n' && is_control(c)));
        assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).unwrap(), [text]);
    }

    #[test]
    fn an_event_is_one_line_of_the_log() {
        let event = "rule \"x\n2026-01-01 ERROR forged\u{1b}[31m\" fired";
        assert_eq!(shown(event.as_bytes(), false, false), "rule \"x\\u{a}2026-01-01 ERROR forged\\u{1b}[31m\" fired");
    }

    #[test]
    fn a_reader_who_has_gone_is_no_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        for form in [Form::People { color: false }, Form::Json, Form::Verbatim] {
            let mut out = Out { stream: Gone, form, errors: Errors::Matter, gone: false };
            out.write_all(b"a line\n").and_then(|()| out.flush()).unwrap();
            assert!(out.gone);
        }
    }
}
