//! `twite fmt`: the formatter for rule files.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    CliError, Exit,
    rewrite::rewrite,
    source::{note_passed_over, nothing_in, rule_paths},
    terminal,
};
use crate::desk::{text::counted, visible::Visible};
use crate::lang::{
    Diagnostic, NotFormatted, NotRead, Reader, RuleFiles, SourceFile, SourceSet, format, is_list, name,
    read_rule_files, render,
};

/// Format rule files.
#[derive(Debug, clap::Args)]
pub(crate) struct Fmt {
    /// Rule files (`*.twite`) or directories; `-` reads standard input and writes standard output.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Do not write; list the files that would change.
    #[arg(long)]
    check: bool,
    /// Accept a rule set without files.
    #[arg(long)]
    allow_empty: bool,
}

impl Fmt {
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        if self.paths == [Path::new("-")] {
            return self.stdin();
        }
        if self.paths.iter().any(|p| p == Path::new("-")) {
            return Err(CliError::Usage("`-` cannot be combined with paths".into()));
        }
        rule_paths(&self.paths)?;
        let RuleFiles { texts, errors: mut broken, mut sources, passed_over } = read_rule_files(&self.paths);
        if texts.is_empty() && broken.is_empty() && !self.allow_empty {
            return Err(nothing_in(&self.paths, &passed_over));
        }
        note_passed_over(&passed_over)?;
        // Lists stay as they are.
        let texts: Vec<_> = texts.into_iter().filter(|(path, _)| !is_list(&name(path))).collect();
        let (mut changed, mut failed) = (0, 0);
        // Unreadable files are included in the number of files.
        let unread = broken.iter().filter(|error| error.file().ends_with(".twite")).count();
        let files = texts.len() + unread;
        let formatted: Vec<_> = texts.par_iter().map(|(_, text)| format(text)).collect();
        for ((path, text), formatted) in texts.into_iter().zip(formatted) {
            let file = name(&path);
            match formatted {
                Ok(formatted) if formatted == text => {}
                Ok(_) if self.check => {
                    changed += 1;
                    writeln!(terminal::people(), "{}", Visible(&file))?;
                }
                Ok(formatted) => match rewrite(&path, &text, &formatted) {
                    Ok(()) => changed += 1,
                    Err(error) => {
                        failed += 1;
                        writeln!(terminal::remarks(), "error: cannot write `{}`: {error}", Visible(&file))?;
                    }
                },
                Err(NotFormatted::Broken(errors)) => {
                    let file = SourceFile::new(file, text);
                    broken.extend(errors.into_iter().map(|e| e.in_file(&file)));
                    sources.insert(file);
                }
                Err(error @ NotFormatted::Unsound) => {
                    failed += 1;
                    writeln!(terminal::remarks(), "error: cannot format `{}`: {error}", Visible(&file))?;
                }
            }
        }
        let mut err = terminal::remarks();
        err.write_all(render::human(&broken, &sources, terminal::style(&io::stderr())).as_bytes())?;
        let what = if self.check { "would change" } else { "changed" };
        writeln!(err, "{changed} of {} {what}", counted(files, "file"))?;
        let found = !broken.is_empty() || (self.check && changed > 0);
        Ok(match found {
            _ if failed > 0 => Exit::Broke,
            true => Exit::Findings,
            false => Exit::Fine,
        })
    }

    fn stdin(&self) -> Result<Exit, CliError> {
        let report = |broken: Vec<Diagnostic>, file: Option<SourceFile>| {
            let mut sources = SourceSet::default();
            file.into_iter().for_each(|file| sources.insert(file));
            let report = render::human(&broken, &sources, terminal::style(&io::stderr()));
            terminal::remarks().write_all(report.as_bytes())?;
            Ok(Exit::Findings)
        };
        let text = match Reader::default().take(Path::new("standard input"), read_stdin()?) {
            Ok(text) => text,
            Err(NotRead { error, shown }) => return report(vec![*error], shown),
        };
        match format(&text) {
            Ok(formatted) if self.check => Ok(if formatted == text { Exit::Fine } else { Exit::Findings }),
            Ok(formatted) => {
                terminal::verbatim().write_all(formatted.as_bytes())?;
                Ok(Exit::Fine)
            }
            Err(NotFormatted::Broken(errors)) => {
                let file = SourceFile::new("standard input", text);
                let broken = errors.into_iter().map(|e| e.in_file(&file)).collect();
                report(broken, Some(file))
            }
            Err(error @ NotFormatted::Unsound) => Err(CliError::Broke(error.into())),
        }
    }
}

/// Reads a rule file from standard input, up to one byte more than a file may have.
pub(super) fn read_stdin() -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    io::stdin().lock().take(crate::lang::MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
