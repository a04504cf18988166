//! Opens PostgreSQL databases: one connection for writing, several for reading.

use std::time::Duration;

use sqlx::{
    Connection as _, Error,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgConnection, PgPoolOptions},
};

use super::{
    Dialect, Opened, Pool, Row,
    error::{io_message_of, message_of},
    is_behind,
};
use crate::{
    settings::Server,
    store::{StoreError, Watch, lease, random_id},
};

/// The number of prepared statements cached per connection; greater than the number of statements in the program.
const STATEMENTS: usize = 300;
/// The number of connections for reading.
const READERS: u32 = 4;
/// The idle time after which a connection is pinged before it is used.
const MAX_IDLE: Duration = Duration::from_secs(1);
/// Begins a write transaction. An advisory lock serialises write transactions, as on SQLite, so that what one reads
/// stays unchanged until it ends. The lock's key spells `twit` in ASCII.
pub(super) const BEGIN_WRITING: &str = "BEGIN; SELECT pg_advisory_xact_lock(2004314484)";

/// Opens an existing database and migrates its schema, or creates the schema if it is empty.
pub(in crate::store) async fn open(server: &Server, watch: &mut Watch) -> Result<Opened, StoreError> {
    let options = named(server.options());
    let id = lay_out(&options, watch).await.map_err(|error| explain(&options, error))?;
    let options = options.options(LIMITS);
    let writer = pool()
        .max_connections(1)
        // After a failover, the address may lead to a read-only replica.
        .after_connect(|connection, _| Box::pin(refuse_follower(connection)))
        .connect_with(options.clone())
        .await?;
    let reader = pool().max_connections(READERS).connect_with(options).await?;
    Ok(Opened { writer: Pool::Postgres(writer), reader: Pool::Postgres(reader), id })
}

/// Opens a database read-only, without migrating it. `None` if it has no tables yet.
pub(in crate::store) async fn open_to_read(server: &Server) -> Result<Option<Opened>, StoreError> {
    let options = named(server.options()).options(LIMITS).options([("default_transaction_read_only", "on")]);
    let Some(id) = read_id(&options).await.map_err(|error| explain(&options, error))? else { return Ok(None) };
    let pool = pool().max_connections(READERS).connect_with(options).await?;
    Ok(Some(Opened { writer: Pool::Postgres(pool.clone()), reader: Pool::Postgres(pool), id }))
}

/// The id of a database whose schema is that of this version; `None` if it has no tables yet.
async fn read_id(options: &PgConnectOptions) -> Result<Option<String>, StoreError> {
    let mut connection = connect(options).await?;
    match sqlx::query_as::<_, (i64, i64)>(TABLES).fetch_one(&mut connection).await? {
        (0, _) => return Ok(None),
        (_, 0) => return Err(StoreError::Foreign),
        (_, _) => {}
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut connection)
            .await?;
    if !layouts().iter().map(|layout| (layout.version, layout.checksum.to_vec())).eq(applied) {
        return Err(StoreError::Layout);
    }
    let id = sqlx::query_scalar("SELECT id FROM identity").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(Some(id))
}

/// Maximum time to connect when a database is opened. A pool would retry a refused connection for half a minute.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(10);

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match tokio::time::timeout(MAX_CONNECT_TIME, PgConnection::connect_with(options)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
    }
}

/// Replaces an error from opening a database by what to check, if the cause is known.
fn explain(options: &PgConnectOptions, error: StoreError) -> StoreError {
    let cause = match &error {
        StoreError::Database(cause)
        | StoreError::Migrate(MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) => cause,
        _ => return error,
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    let place = match options.get_socket() {
        Some(directory) => directory.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let code = cause.as_database_error().and_then(|error| error.code());
    match (cause, code.as_deref()) {
        (Error::Io(why), _) => StoreError::Unreachable(format!(
            "no server answers at {place}: {}; check that it runs there, and that the address is right",
            io_message_of(why)
        )),
        (_, Some("55P03")) => {
            StoreError::Busy("another process has locked it for writing; try again when that has finished".to_owned())
        }
        // Too many connections, or the server starts or stops.
        (_, Some("53300" | "57P03")) => StoreError::Unreachable(format!(
            "the server at {place} takes no connection: {}; try again later",
            message_of(cause)
        )),
        (_, Some("28P01" | "28000")) => StoreError::Unusable(format!(
            "the server refuses the user `{user}`: {}; check the name in the address and the password, \
             which is read from `password_env` of `[store]`, from PGPASSWORD, or from the file in PGPASSFILE",
            message_of(cause)
        )),
        (_, Some("3D000")) => StoreError::Unusable(format!(
            "the server has no such database; make it with `createdb --encoding UTF8 --template template0 {database}`"
        )),
        (_, Some("42501")) => StoreError::Unusable(format!(
            "the user `{user}` lacks a right: {}; `twite serve` needs `GRANT CREATE, USAGE ON SCHEMA public TO {user}`, \
             a command that only reads needs SELECT on all tables",
            message_of(cause)
        )),
        (Error::Tls(why), _) => {
            StoreError::Unusable(format!("cannot connect with TLS: {why}; set `sslmode` in its URL"))
        }
        _ => error,
    }
}

const LOCK_TIMEOUT: (&str, &str) = ("lock_timeout", "10s");
/// Session settings: time limits for locks, statements and idle transactions.
const LIMITS: [(&str, &str); 3] =
    [LOCK_TIMEOUT, ("statement_timeout", "60s"), ("idle_in_transaction_session_timeout", "60s")];

/// Counts all tables, and those named `identity`, which only a Twite database has.
const TABLES: &str = "SELECT count(*), count(CASE WHEN tablename = 'identity' THEN 1 END) FROM pg_tables
     WHERE schemaname = current_schema()";

/// The schema migrations.
fn layouts() -> Migrator {
    sqlx::migrate!("migrations/postgres")
}

fn named(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().application_name(concat!("twite/", env!("CARGO_PKG_VERSION"))).statement_cache_capacity(STATEMENTS)
}

/// The options of a connection pool. No maximum lifetime, for the same reason as in the pool of SQLite.
fn pool() -> PgPoolOptions {
    let options = PgPoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None);
    options.before_acquire(|connection, about| {
        Box::pin(async move {
            if about.idle_for > MAX_IDLE {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

async fn refuse_follower(connection: &mut PgConnection) -> Result<(), Error> {
    let follows: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if follows {
        return Err(Error::Configuration("the server follows another one, and cannot be written to".into()));
    }
    Ok(())
}

/// Creates or migrates the schema, and returns the id of the database.
async fn lay_out(options: &PgConnectOptions, watch: &mut Watch) -> Result<String, StoreError> {
    // A migration may take its time, but not the lock before it.
    let mut connection = connect(&options.clone().options([LOCK_TIMEOUT])).await?;
    // Several processes may open a new database at once: one creates the schema while the others wait.
    let mut tx = connection.begin_with(BEGIN_WRITING).await?;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *tx).await?;
    if encoding != "UTF8" {
        return Err(StoreError::Encoding(encoding));
    }
    let (tables, ours): (i64, i64) = sqlx::query_as(TABLES).fetch_one(&mut *tx).await?;
    if tables > 0 && ours == 0 {
        return Err(StoreError::Foreign);
    }
    let mut migrator = layouts();
    if tables > 0 {
        let applied: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations").fetch_all(&mut *tx).await?;
        if is_behind(&migrator, &applied) {
            let lease = sqlx::query(lease::READ).fetch_optional(&mut *tx).await?;
            lease::refuse_held(lease.map(Row::Postgres), Dialect::Postgres, watch)?;
        }
    }
    // The write lock is held already, and the migrator's session lock would outlive the transaction.
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
