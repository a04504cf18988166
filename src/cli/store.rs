//! `twite store`: looking after the database.

use std::io::Write as _;

use clap::{Args, Subcommand};

use super::{
    CliError, Exit,
    desk::{Access, DeskArgs, Paths},
    terminal,
};
use crate::{
    clock::Clock,
    desk::text::counted,
    store::{NotRotated, Rotated},
};

/// Look after the database.
#[derive(Debug, Args)]
pub(crate) struct StoreCommand {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    RotateKey(RotateKey),
}

/// Encrypt the tokens of all accounts with another key.
///
/// The old key is in the environment variable that `key_env` of `[store]` names, `TWITE_KEY` by default. Afterwards, that
/// variable must hold the new key. No daemon may run on the database meanwhile. If the command is killed, the tokens are
/// encrypted either all with the old key or all with the new one; running it again is safe.
#[derive(Debug, Args)]
struct RotateKey {
    /// The environment variable with the new key: 32 bytes in base64.
    #[arg(long, value_name = "VARIABLE")]
    new_key_env: String,
}

impl StoreCommand {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let What::RotateKey(RotateKey { new_key_env }) = &self.what;
        let place = self.desk.place()?;
        let (old, new) = (place.key()?, Paths::new_key(new_key_env)?);
        let store = place.open_existing(Access::Write).await?;
        let store = store.ok_or_else(|| CliError::Usage(place.no_database()))?;
        let rotated = store.rotate_key(&old, &new, Clock::Wall.now()).await;
        store.close().await;
        let Rotated { changed, unchanged } = rotated.map_err(|error| match error {
            NotRotated::Store(error) => error.into(),
            other => CliError::Usage(other.to_string()),
        })?;
        let mut out = terminal::people();
        writeln!(out, "the tokens of {} are encrypted with the new key now", counted(changed, "account"))?;
        if unchanged > 0 {
            writeln!(out, "those of {} were already", counted(unchanged, "account"))?;
        }
        let variable = place.key_variable();
        writeln!(
            terminal::remarks(),
            "note: set `{variable}` to the key in `{new_key_env}` before `twite serve` starts"
        )?;
        Ok(Exit::Fine)
    }
}
