//! One daemon at a time works on a database: a lease, and a fence that every transaction of its holder checks.
//!
//! The holder renews its lease every few seconds. Whoever waits for it takes over when the holder let it go, when the
//! holder's process is gone, or when no renewal was seen for [`TERM`] by the waiter's own monotonic clock; so a wall clock
//! that is set, forward or back, neither ends a lease nor lengthens one. Each holder has a number, the fence, one higher than
//! the one before. A transaction of an earlier holder finds another number than its own and is refused, however long
//! that process was asleep.
//!
//! Only the daemon holds a lease. What agents do by the command line is neither fenced nor hindered.

use std::{
    fs, io,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Store, StoreError, Tx,
    db::{Dialect, Row, Transaction, query, query_scalar},
    time, times,
};

/// How long a lease lasts without being renewed.
pub const TERM: Duration = Duration::from_secs(10);

/// A process that may hold a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name of its machine, for people.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// What tells it from any other process that has that number, before, after or in another container. Empty where the
    /// system does not say.
    pub(super) process: String,
}

impl Holder {
    /// This process.
    pub fn this_process() -> Self {
        let host = hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let pid = std::process::id();
        let process = started("self").and_then(|started| Ok(format!("{} {started}", space()?)));
        Self { host, pid, process: process.unwrap_or_default() }
    }

    /// Whether it certainly runs no more; a database file belongs to one machine. `false` where that cannot be told.
    pub fn is_gone(&self) -> bool {
        let Some((boot, rest)) = self.process.split_once(' ') else { return false };
        let Some((namespace, started_then)) = rest.split_once(' ') else { return false };
        let Ok(here) = space() else { return false };
        if boot != here.boot {
            return true;
        }
        namespace == here.namespace
            && match started(&self.pid.to_string()) {
                Ok(started_now) => started_now != started_then,
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            }
    }
}

/// Where the number of a process means something: since when the machine is up, and which namespace it is.
struct Space {
    boot: String,
    namespace: String,
}

impl std::fmt::Display for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.boot, self.namespace)
    }
}

fn space() -> io::Result<Space> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    let namespace = fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned();
    Ok(Space { boot, namespace })
}

/// When a process started, in ticks since the machine did. One that has ended and was not yet waited for is not found.
pub(super) fn started(pid: &str) -> io::Result<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program stands in parentheses, and may hold anything.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let mut fields = after.split_ascii_whitespace();
    match (fields.next(), fields.nth(18)) {
        (Some("Z" | "X"), _) => Err(io::ErrorKind::NotFound.into()),
        (_, Some(started)) => Ok(started.to_owned()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A lease, as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its number: one higher with each holder.
    pub fence: i64,
    /// How often it was renewed.
    beat: i64,
    /// Who holds it, or held it last.
    pub holder: Holder,
    /// Since when.
    pub since: Timestamp,
    /// When it was renewed last, by the holder's clock.
    pub renewed: Timestamp,
    /// When it was let go.
    pub released: Option<Timestamp>,
}

impl Lease {
    /// Whether its holder works, as far as a process can tell that sees it for the first time.
    pub fn is_held(&self, now: Timestamp) -> bool {
        let silent = Duration::try_from(self.renewed.duration_until(now).abs()).unwrap_or(Duration::MAX);
        self.released.is_none() && !self.holder.is_gone() && silent <= TERM
    }
}

/// How an earlier holder ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There was none, or it let the lease go: nothing of it is under way.
    Released,
    /// Its process is gone.
    Died,
    /// Nothing was heard of it. It may be asleep in the middle of a request.
    Silent,
}

/// What came of asking for the lease.
#[derive(Debug)]
pub enum Asked {
    /// It is ours from now on.
    Taken(Ended),
    /// Somebody else has it.
    Held(Lease),
}

/// What a waiter has seen of the holder.
#[derive(Debug, Default)]
pub struct Watch(Option<(i64, i64, Instant)>);

impl Watch {
    /// Whether the holder was silent for the whole term, as seen at an instant.
    fn is_over(&mut self, lease: &Lease, at: Instant) -> bool {
        match self.0 {
            Some((fence, beat, since)) if (fence, beat) == (lease.fence, lease.beat) => {
                at.saturating_duration_since(since) > TERM
            }
            _ => {
                self.0 = Some((lease.fence, lease.beat, at));
                false
            }
        }
    }
}

/// The fence of a store: the number of the lease that all its clones work under; 0 is none.
#[derive(Debug, Default)]
pub(super) struct Fence(AtomicI64);

impl Fence {
    fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Acquire)).filter(|fence| *fence > 0)
    }

    fn set(&self, fence: i64) {
        self.0.store(fence, Ordering::Release);
    }
}

impl Store {
    /// Asks for the lease. Once it is taken, every transaction of this store and its clones is refused with
    /// [`StoreError::Superseded`] from the moment that somebody else takes it.
    pub async fn ask_for_lease(
        &self,
        holder: &Holder,
        watch: &mut Watch,
        now: Timestamp,
        at: Instant,
    ) -> Result<Asked, StoreError> {
        // Read first, without the lock of a writer: whoever waits is in nobody's way.
        let before = self.lease().await?;
        let ended = match &before {
            None => Ended::Released,
            Some(lease) if lease.released.is_some() => Ended::Released,
            // An earlier life in this very process has ended, or it would not ask.
            Some(lease) if lease.holder.is_gone() || lease.holder == *holder => Ended::Died,
            Some(lease) if watch.is_over(lease, at) => Ended::Silent,
            Some(lease) => return Ok(Asked::Held(lease.clone())),
        };
        let seen = before.map_or((0, 0), |lease| (lease.fence, lease.beat));
        self.check_file()?;
        let mut transaction = Transaction::writing(&self.writer).await?;
        let fence: Option<i64> = query_scalar(
            "INSERT INTO lease (name, fence, beat, host, pid, process, since, renewed)
             VALUES ('daemon', 1, 0, $1, $2, $3, $4, $4)
             ON CONFLICT (name) DO UPDATE SET fence = lease.fence + 1, beat = 0, host = excluded.host,
               pid = excluded.pid, process = excluded.process, since = excluded.since, renewed = excluded.renewed,
               released = NULL
             WHERE lease.fence = $5 AND lease.beat = $6
             RETURNING fence",
        )
        .bind(&holder.host)
        .bind(i64::from(holder.pid))
        .bind(&holder.process)
        .bind(now.as_millisecond())
        .bind(seen.0)
        .bind(seen.1)
        .fetch_optional(&mut transaction)
        .await?;
        transaction.commit().await?;
        match (fence, self.lease().await?) {
            (Some(fence), _) => {
                self.fence.set(fence);
                Ok(Asked::Taken(ended))
            }
            (None, Some(other)) => Ok(Asked::Held(other)),
            (None, None) => Err(StoreError::Corrupt("the lease is gone".to_owned())),
        }
    }

    /// Renews the lease that this store holds.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] where somebody else has taken it.
    pub async fn renew_lease(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(query("UPDATE lease SET beat = beat + 1, renewed = $1").bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Lets the lease go, so that the next daemon need not wait.
    ///
    /// # Errors
    /// As [`Self::renew_lease`].
    pub async fn release_lease(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(query("UPDATE lease SET released = $1").bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Asks whether the lease that this store works under is still its own: before anything is sent that was claimed a while
    /// ago. A store without a lease may do what it likes.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] where somebody else has taken it.
    pub async fn check_lease(&self) -> Result<(), StoreError> {
        let Some(own) = self.fence.get() else { return Ok(()) };
        match self.lease().await? {
            Some(lease) if lease.fence == own => Ok(()),
            _ => Err(StoreError::Superseded),
        }
    }

    /// Who works on this database, or did last.
    pub async fn lease(&self) -> Result<Option<Lease>, StoreError> {
        let row = query(READ).fetch_optional(&self.reader).await?;
        row.map(|row| read(&row, self.reader.dialect())).transpose()
    }
}

impl Tx {
    /// Who works on this database, or did last: nobody else can take over before this transaction ends.
    pub(super) async fn lease(&mut self) -> Result<Option<Lease>, StoreError> {
        let row = query(READ).fetch_optional(&mut self.conn).await?;
        row.map(|row| read(&row, self.conn.dialect())).transpose()
    }

    /// Refuses a transaction of a daemon that no longer holds the lease.
    pub(super) async fn check_fence(&mut self, fence: &Fence) -> Result<(), StoreError> {
        let Some(own) = fence.get() else { return Ok(()) };
        let held: Option<i64> = query_scalar("SELECT fence FROM lease").fetch_optional(&mut self.conn).await?;
        if held == Some(own) { Ok(()) } else { Err(StoreError::Superseded) }
    }
}

const READ: &str = "SELECT fence, beat, host, pid, process, since, renewed, released FROM lease";

fn read(row: &Row, dialect: Dialect) -> Result<Lease, StoreError> {
    let pid: i64 = row.try_get("pid")?;
    let mut process: String = row.try_get("process")?;
    // Of another machine, which only a server can have, nothing can be told here.
    if dialect == Dialect::Postgres && !space().is_ok_and(|here| process.starts_with(&here.boot)) {
        process.clear();
    }
    Ok(Lease {
        fence: row.try_get("fence")?,
        beat: row.try_get("beat")?,
        holder: Holder {
            host: row.try_get("host")?,
            pid: u32::try_from(pid).map_err(|_| StoreError::Corrupt(format!("the process {pid}")))?,
            process,
        },
        since: time(row.try_get("since")?)?,
        renewed: time(row.try_get("renewed")?)?,
        released: times(row.try_get("released")?)?,
    })
}
