//! `twite fmt`: one layout for every rule file.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{CliError, FINDINGS, FINE, terminal};
use crate::desk::visible::Visible;
use crate::lang::{Diagnostic, NotFormatted, Sources, format, read_rule_files, render};

/// Formats rule files.
#[derive(Debug, clap::Args)]
pub(crate) struct Fmt {
    /// Rule files, or directories that hold them; `-` reads standard input and writes standard output.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Write nothing, and say which files would change.
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        if self.paths == [Path::new("-")] {
            return self.stdin();
        }
        if self.paths.iter().any(|p| p == Path::new("-")) {
            return Err(CliError::Usage("`-` stands alone: give either it or paths".into()));
        }
        let (texts, mut broken, mut sources) = read_rule_files(&self.paths);
        let mut changed = 0;
        let files = texts.len();
        for (path, text) in texts {
            match format(&text) {
                Ok(formatted) if formatted == text => {}
                Ok(formatted) => {
                    changed += 1;
                    match self.check {
                        true => writeln!(terminal::people(), "{}", Visible(&path.to_string_lossy()))?,
                        false => replace(&path, &formatted)?,
                    }
                }
                Err(error) => broken.extend(said(error, &path.to_string_lossy(), text, &mut sources)?),
            }
        }
        let mut err = terminal::remarks();
        err.write_all(render::human(&broken, &sources, terminal::style(&io::stderr())).as_bytes())?;
        let what = if self.check { "would change" } else { "changed" };
        writeln!(err, "{changed} of {files} file{} {what}", if files == 1 { "" } else { "s" })?;
        let found = !broken.is_empty() || (self.check && changed > 0);
        Ok(if found { FINDINGS } else { FINE })
    }

    fn stdin(&self) -> Result<u8, CliError> {
        let mut bytes = vec![];
        let most = crate::lang::MOST_FILE;
        io::stdin().lock().take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(CliError::Usage(format!("the text is longer than {} KiB", most / 1024)));
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(CliError::Usage("the text is not UTF-8".into()));
        };
        match format(&text) {
            Ok(formatted) if self.check => Ok(if formatted == text { FINE } else { FINDINGS }),
            Ok(formatted) => {
                terminal::data().write_all(formatted.as_bytes())?;
                Ok(FINE)
            }
            Err(error) => {
                let mut sources = Sources::default();
                let broken = said(error, "standard input", text, &mut sources)?;
                let report = render::human(&broken, &sources, terminal::style(&io::stderr()));
                terminal::remarks().write_all(report.as_bytes())?;
                Ok(FINDINGS)
            }
        }
    }
}

/// What is wrong with a file, so that it can be shown.
fn said(error: NotFormatted, name: &str, text: String, sources: &mut Sources) -> Result<Vec<Diagnostic>, CliError> {
    match error {
        NotFormatted::Broken(errors) => {
            let name: Arc<str> = name.into();
            sources.insert(Arc::clone(&name), text);
            Ok(errors.into_iter().map(|e| e.in_file(&name)).collect())
        }
        NotFormatted::Unsound => Err(CliError::Broke(format!("{name}: {error}").into())),
    }
}

/// Writes a file anew beside the old one and puts it in its place, so that nobody ever reads half of it.
/// Through a link, its target is replaced, not the link.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mode = fs::metadata(&path)?.permissions();
    let mut fresh = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().set_permissions(mode)?;
    fresh.persist(&path)?;
    Ok(())
}
