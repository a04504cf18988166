//! `twite ticket media`: saves the photos and videos of a ticket's comments.

use std::{fs::File, io::Write as _, path::PathBuf};

use clap::Args;
use url::Url;

use super::unknown;
use crate::{
    app::ticket,
    cli::{CliError, Exit, desk::OpenDesk, terminal},
    desk::{Media, TicketId, Viewer, visible::visible},
    x::{client, media},
};

#[derive(Debug, Args)]
pub(super) struct SaveMedia {
    /// The ticket's number.
    #[arg(value_name = "ID")]
    ticket: i64,
    /// Only those of this comment, by its id in `twite ticket show --format json`.
    #[arg(value_name = "COMMENT")]
    comment: Option<i64>,
    /// The directory to save them in, as `TICKET-COMMENT-N.jpg`. Existing files are not overwritten.
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    to: PathBuf,
    /// Save the still pictures of videos and GIFs instead.
    #[arg(long)]
    preview: bool,
}

impl SaveMedia {
    pub(super) async fn run(&self, desk: &OpenDesk, viewer: Viewer<'_>) -> Result<Exit, CliError> {
        let (store, id) = (desk.store()?, TicketId(self.ticket));
        let sheet = ticket::sheet(store, viewer, id).await?.ok_or_else(|| unknown(id))?;
        let mut comments: Vec<_> = sheet.comments.iter().collect();
        if let Some(comment) = self.comment {
            comments.retain(|known| known.id == comment);
            if comments.is_empty() {
                return Err(CliError::Usage(format!(
                    "no comment {comment} on ticket {id}; `twite ticket show {id} --format json` has their ids"
                )));
            }
        }
        let settings = &desk.settings.x;
        let api = Url::parse(&settings.url)
            .map_err(|error| CliError::Usage(format!("`x.url = \"{}\"`: {error}", visible(&settings.url))))?;
        let http = client::http()?;
        let token = match &sheet.ticket.account {
            Some(handle) => token(desk, handle).await?,
            None => None,
        };
        let (mut exit, mut found) = (Exit::Fine, false);
        for comment in comments {
            for (n, media) in comment.entities.media.iter().enumerate() {
                found = true;
                let name = format!("{id}-{}-{}", comment.id, n + 1);
                let saved = match self.url(media) {
                    None => Err("X gave no address of it".to_owned()),
                    Some(url) => match media::fetch(&http, &api, url, token.as_deref()).await {
                        Ok(file) => self.save(&name, &file),
                        Err(error) => Err(error.to_string()),
                    },
                };
                match saved {
                    Ok(path) => writeln!(terminal::people(), "{}", visible(&path.display().to_string()))?,
                    Err(why) => {
                        exit = Exit::Findings;
                        writeln!(terminal::remarks(), "the {} {name} is not saved: {}", media.kind, visible(&why))?;
                    }
                }
            }
        }
        if !found {
            writeln!(terminal::remarks(), "ticket {id} shows no photos or videos there")?;
        }
        Ok(exit)
    }

    fn url<'m>(&self, media: &'m Media) -> Option<&'m String> {
        if self.preview { media.preview.as_ref().or(media.url.as_ref()) } else { media.url.as_ref() }
    }

    fn save(&self, name: &str, file: &media::MediaFile) -> Result<PathBuf, String> {
        let path = self.to.join(format!("{name}.{}", file.extension));
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut into = File::create_new(&path).map_err(failed)?;
        into.write_all(&file.bytes).map_err(|error| {
            // Half a file would be in the way of the next attempt.
            let _ = std::fs::remove_file(&path);
            failed(error)
        })?;
        Ok(path)
    }
}

/// The access token of a connected account, which only media of direct messages need. It is not refreshed here: a
/// refresh token works once, and the daemon may be using it.
async fn token(desk: &OpenDesk, handle: &str) -> Result<Option<String>, CliError> {
    let Ok(key) = desk.place.key() else { return Ok(None) };
    let store = desk.store()?;
    let accounts = store.accounts().await?;
    let Some(account) = accounts.iter().find(|account| account.handle == handle) else { return Ok(None) };
    Ok(store.tokens(&key, &account.id).await?.map(|tokens| tokens.access))
}
