//! The switches of accounts that the store owns, because `twite.toml` does not write them.

use super::{
    Store, StoreError, Tx,
    account::connected,
    db::{Connection, query},
    time, word,
};
use crate::desk::{StoredAccounts, StoredSwitch, XId};

impl Store {
    /// What is stored of accounts.
    pub async fn stored_accounts(&self) -> Result<StoredAccounts, StoreError> {
        let mut connection = self.reader.acquire().await?;
        stored_accounts(&mut connection).await
    }
}

impl Tx {
    /// As [`Store::stored_accounts`].
    pub async fn stored_accounts(&mut self) -> Result<StoredAccounts, StoreError> {
        // Accounts are not buffered.
        stored_accounts(self.conn.past_buffer()).await
    }

    /// Sets a switch of an account.
    pub async fn set_switch(&mut self, set: &StoredSwitch) -> Result<(), StoreError> {
        query(
            "INSERT INTO account_switch (account, name, is_on, actor, set_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (account, name) DO UPDATE SET is_on = excluded.is_on, actor = excluded.actor, set_at = excluded.set_at",
        )
        .bind(set.account.as_str())
        .bind(set.switch.as_str())
        .bind(i64::from(set.on))
        .bind(set.by.to_string())
        .bind(set.at.as_millisecond())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Deletes all switches of an account.
    pub(super) async fn forget_switches(&mut self, account: &XId) -> Result<(), StoreError> {
        query("DELETE FROM account_switch WHERE account = $1").bind(account.as_str()).execute(&mut self.conn).await?;
        Ok(())
    }
}

async fn stored_accounts(connection: &mut Connection) -> Result<StoredAccounts, StoreError> {
    let connected = connected(connection).await?;
    let rows = query("SELECT account, name, is_on, actor, set_at FROM account_switch ORDER BY account, name")
        .fetch_all(connection)
        .await?;
    let mut switches = vec![];
    for row in &rows {
        switches.push(StoredSwitch {
            account: word(row.try_get("account")?)?,
            switch: word(row.try_get("name")?)?,
            on: row.try_get::<i64, _>("is_on")? != 0,
            by: word(row.try_get("actor")?)?,
            at: time(row.try_get("set_at")?)?,
        });
    }
    Ok(StoredAccounts { connected, switches })
}
