//! Opening a database of PostgreSQL: one connection writes, several read.

use std::time::Duration;

use sqlx::{
    Connection as _, Error,
    postgres::{PgConnectOptions, PgConnection, PgPoolOptions},
};

use super::{Opened, Pool};
use crate::store::{StoreError, random_id};

/// How many statements each connection keeps prepared: more than there are.
const STATEMENTS: usize = 300;
/// How many connections read at once.
const READERS: u32 = 4;
/// How long a connection may have been idle to be used without asking whether it still stands.
const MAX_IDLE: Duration = Duration::from_secs(1);
/// Begins a transaction that writes. It waits for the one before it, so that what it reads stays true until it ends, as on
/// SQLite. The number of the lock is `twit`.
pub(super) const BEGIN_WRITING: &str = "BEGIN; SELECT pg_advisory_xact_lock(2004314484)";

/// Opens a database and brings it up to date. It must be there, and is laid out where it is empty.
pub(in crate::store) async fn open(options: &PgConnectOptions) -> Result<Opened, StoreError> {
    let options = options
        .clone()
        .application_name(concat!("twite/", env!("CARGO_PKG_VERSION")))
        .statement_cache_capacity(STATEMENTS);
    let id = lay_out(&options).await?;
    let options = options.options([
        ("lock_timeout", "10s"),
        ("statement_timeout", "60s"),
        ("idle_in_transaction_session_timeout", "60s"),
    ]);
    let pool = || {
        PgPoolOptions::new().test_before_acquire(false).before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > MAX_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
    };
    let writer = pool()
        .max_connections(1)
        // After a failover an address may lead to a server that only follows.
        .after_connect(|connection, _| Box::pin(refuse_follower(connection)))
        .connect_with(options.clone())
        .await?;
    let reader = pool().max_connections(READERS).connect_with(options).await?;
    Ok(Opened { writer: Pool::Postgres(writer), reader: Pool::Postgres(reader), id })
}

async fn refuse_follower(connection: &mut PgConnection) -> Result<(), Error> {
    let follows: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if follows {
        return Err(Error::Configuration("the server follows another one, and cannot be written to".into()));
    }
    Ok(())
}

/// Lays the tables out, and returns the id of the database.
async fn lay_out(options: &PgConnectOptions) -> Result<String, StoreError> {
    let mut connection = PgConnection::connect_with(options).await?;
    // Several processes may open a new database at once: one lays it out, and the others wait for that.
    let mut tx = connection.begin_with(BEGIN_WRITING).await?;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *tx).await?;
    if encoding != "UTF8" {
        return Err(StoreError::Encoding(encoding));
    }
    let (tables, ours): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(CASE WHEN tablename = 'identity' THEN 1 END) FROM pg_tables
         WHERE schemaname = current_schema()",
    )
    .fetch_one(&mut *tx)
    .await?;
    if tables > 0 && ours == 0 {
        return Err(StoreError::Foreign);
    }
    // Who lays out is alone already, and a lock of the session would outlive the transaction.
    let mut migrator = sqlx::migrate!("migrations/postgres");
    migrator.set_locking(false).run_direct(None, &mut *tx, false).await?;
    let known: Option<String> = sqlx::query_scalar("SELECT id FROM identity").fetch_optional(&mut *tx).await?;
    let id = match known {
        Some(id) => id,
        None => {
            let id = random_id()?;
            sqlx::query("INSERT INTO identity (id) VALUES ($1)").bind(&id).execute(&mut *tx).await?;
            id
        }
    };
    tx.commit().await?;
    connection.close().await?;
    Ok(id)
}
