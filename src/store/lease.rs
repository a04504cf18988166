//! A lease ensures that only one daemon at a time works on a database. Each transaction of the holder checks a fencing
//! token.
//!
//! The holder renews its lease every few seconds. A waiting process takes over if the holder released the lease, if the
//! holder's process has ended, or if it saw no renewal for [`TERM`] by its own monotonic clock; so changes of the wall
//! clock neither end nor extend a lease. Each holder gets a fencing token, one higher than that of the holder before.
//! Transactions of an earlier holder find a token other than their own and fail, however long that process was
//! suspended.
//!
//! Only the daemon takes the lease. Commands of agents are neither fenced nor blocked by it.

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

/// The time after which a lease that is not renewed expires.
pub const TERM: Duration = Duration::from_secs(10);

/// A process that may hold a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The host name of its machine, for display.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Boot id, PID namespace and start time, which distinguish it from other processes with the same pid. Empty if the
    /// system does not provide them.
    pub process: String,
}

impl Holder {
    /// The current process as a holder.
    pub fn this_process() -> Self {
        let host = hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let pid = std::process::id();
        let process = started("self").and_then(|started| Ok(format!("{} {started}", space()?)));
        Self { host, pid, process: process.unwrap_or_default() }
    }

    /// Whether the process has certainly ended. Assumes that it ran on this machine.
    pub fn is_gone(&self) -> bool {
        self.is_alive() == Some(false)
    }

    /// Whether the process is alive; `None` if that cannot be determined, such as for another container's.
    fn is_alive(&self) -> Option<bool> {
        let (boot, rest) = self.process.split_once(' ')?;
        let (namespace, started_then) = rest.split_once(' ')?;
        let here = space().ok()?;
        if boot != here.boot {
            return Some(false);
        }
        if namespace != here.namespace {
            return None;
        }
        match started(&self.pid.to_string()) {
            Ok(started_now) => Some(started_now == started_then),
            Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(false),
        }
    }
}

/// The scope in which a pid is unique: a boot of the machine, and a PID namespace.
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

/// The start time of a process, in clock ticks since boot. `NotFound` if it has ended, also if it is a zombie.
pub(super) fn started(pid: &str) -> io::Result<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The program name is in parentheses, and may itself contain spaces and parentheses.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let mut fields = after.split_ascii_whitespace();
    match (fields.next(), fields.nth(18)) {
        (Some("Z" | "X"), _) => Err(io::ErrorKind::NotFound.into()),
        (_, Some(started)) => Ok(started.to_owned()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The lease as stored in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The fencing token, one higher for each holder.
    pub fence: i64,
    /// The number of renewals by this holder.
    beat: i64,
    /// The current or last holder.
    pub holder: Holder,
    /// When the holder took it.
    pub since: Timestamp,
    /// When it was last renewed, by the holder's clock.
    pub renewed: Timestamp,
    /// When it was released.
    pub released: Option<Timestamp>,
}

impl Lease {
    /// How its holder lost it, as far as a process can tell that waits for it; `None` while it is held.
    fn ended(&self, watch: &mut Watch, at: Instant) -> Option<Ended> {
        match self {
            _ if self.released.is_some() => Some(Ended::Released),
            _ if self.holder.is_gone() => Some(Ended::Died),
            _ if watch.is_over(self, at) => Some(Ended::Silent),
            _ => None,
        }
    }

    /// Whether the holder is alive, judged by its process if that can be seen from here, else by its last renewal. A
    /// process can live on and not renew the lease: the disk is full, or it is suspended.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.released.is_none() && self.holder.is_alive().unwrap_or_else(|| !self.is_silent(now))
    }

    /// Whether the last renewal is longer ago than [`TERM`], by the wall clock.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        Duration::try_from(self.renewed.duration_until(now).abs()).unwrap_or(Duration::MAX) > TERM
    }
}

/// How the previous holder lost the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There was none, or it released the lease, so that none of its work is still running.
    Released,
    /// Its process has ended.
    Died,
    /// It did not renew the lease in time. Its process may be suspended in the middle of a request.
    Silent,
}

/// The result of [`Store::ask_for_lease`].
#[derive(Debug)]
pub enum Asked {
    /// The lease was taken.
    Taken(Ended),
    /// Another process holds the lease.
    Held(Lease),
}

/// The last renewal that a waiting process has seen, and when it first saw it.
#[derive(Debug, Default)]
pub struct Watch(Option<(i64, i64, Instant)>);

impl Watch {
    /// Whether no renewal was seen for longer than [`TERM`] at this instant.
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

/// The fencing token under which a store and all its clones work; 0 if it has no lease.
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
    /// Tries to take the lease. Once taken, write transactions of this store and its clones fail with
    /// [`StoreError::Superseded`] as soon as another process has taken the lease.
    pub async fn ask_for_lease(
        &self,
        holder: &Holder,
        watch: &mut Watch,
        now: Timestamp,
        at: Instant,
    ) -> Result<Asked, StoreError> {
        // Read first, without the write lock, so that waiting processes do not block writers.
        let before = self.lease().await?;
        let ended = match &before {
            None => Ended::Released,
            // A holder equal to this process is an earlier daemon in it, which must have ended.
            Some(lease) if lease.released.is_none() && lease.holder == *holder => Ended::Died,
            Some(lease) => match lease.ended(watch, at) {
                Some(ended) => ended,
                None => return Ok(Asked::Held(lease.clone())),
            },
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
    /// [`StoreError::Superseded`] if another process has taken it.
    pub async fn renew_lease(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(query("UPDATE lease SET beat = beat + 1, renewed = $1").bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Releases the lease, so that the next daemon need not wait for it to expire.
    ///
    /// # Errors
    /// As [`Self::renew_lease`].
    pub async fn release_lease(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(query("UPDATE lease SET released = $1").bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Checks that this store still holds its lease, such as before sending an item that was claimed some time ago.
    /// Always succeeds for a store without a lease.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if another process has taken it.
    pub async fn check_lease(&self) -> Result<(), StoreError> {
        let Some(own) = self.fence.get() else { return Ok(()) };
        match self.lease().await? {
            Some(lease) if lease.fence == own => Ok(()),
            _ => Err(StoreError::Superseded),
        }
    }

    /// The current or last lease; `None` if there never was one.
    pub async fn lease(&self) -> Result<Option<Lease>, StoreError> {
        let row = query(READ).fetch_optional(&self.reader).await?;
        row.map(|row| read(&row, self.reader.dialect())).transpose()
    }
}

impl Tx {
    /// The current or last lease. It cannot change hands before this transaction ends.
    pub(super) async fn lease(&mut self) -> Result<Option<Lease>, StoreError> {
        let row = query(READ).fetch_optional(&mut self.conn).await?;
        row.map(|row| read(&row, self.conn.dialect())).transpose()
    }

    /// Fails if the store worked under a lease that it no longer holds.
    pub(super) async fn check_fence(&mut self, fence: &Fence) -> Result<(), StoreError> {
        let Some(own) = fence.get() else { return Ok(()) };
        let held: Option<i64> = query_scalar("SELECT fence FROM lease").fetch_optional(&mut self.conn).await?;
        if held == Some(own) { Ok(()) } else { Err(StoreError::Superseded) }
    }
}

/// Fails if a daemon may work on the database, given its row of [`READ`]: the schema must not change under it.
pub(super) fn refuse_held(row: Option<Row>, dialect: Dialect, watch: &mut Watch) -> Result<(), StoreError> {
    let Some(row) = row else { return Ok(()) };
    let lease = read(&row, dialect)?;
    match lease.ended(watch, Instant::now()) {
        Some(_) => Ok(()),
        None => Err(StoreError::InUse(lease.holder)),
    }
}

pub(super) const READ: &str = "SELECT fence, beat, host, pid, process, since, renewed, released FROM lease";

fn read(row: &Row, dialect: Dialect) -> Result<Lease, StoreError> {
    let pid: i64 = row.try_get("pid")?;
    let mut process: String = row.try_get("process")?;
    // With PostgreSQL, the holder may be on another machine, so its process cannot be checked here.
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
