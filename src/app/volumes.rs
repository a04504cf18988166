//! Volumes: tells events which last and how many tickets there are, and ends them in time.
//!
//! A decision is made as if its event counted for no volume; then the store is asked about those whose condition holds, and
//! the decision is made again with the answers. Each round asks about further volumes, so the rounds end. A volume ends on a
//! whole minute, with an event on the ticket with which it started. What happens later is told that it has ended.

use jiff::Timestamp;

use super::{App, Notice, UnitOfWork};
use crate::{
    desk::{Actor, Effect, Event, Status, Ticket, TicketId, VolumeAt},
    engine::{Decision, count, counting, ends_at, minute, volume_ends},
    lang::rules::{Mode, Rules, Volume},
    store::{LastingVolume, StoreError},
};

impl App {
    /// Ends the volumes that end by a time. Returns whether there were any.
    pub(crate) async fn end_volumes(&self, now: Timestamp) -> Result<bool, StoreError> {
        // Checked first without the write lock.
        if self.store.next_end_of_volume().await?.is_none_or(|next| next > now) {
            return Ok(false);
        }
        let mut unit = self.begin().await?;
        let rules = unit.rules.clone();
        // Of one that is declared no more, nothing is told.
        while let Some(ending) = unit.tx.ending_volume(now).await?
            && live(&rules, &ending.volume).is_none()
        {
            unit.tx.forget_volume(&ending.volume).await?;
        }
        unit.end_volumes(now).await?;
        unit.commit().await?;
        Ok(true)
    }

    /// Deletes what is kept of volumes that are declared no more.
    pub(crate) async fn forget_volumes(&self, rules: &Rules) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        for volume in tx.volumes().await? {
            if live(rules, &volume).is_none() {
                tx.forget_volume(&volume).await?;
            }
        }
        tx.commit().await
    }
}

/// The volume with this title that counts.
fn live<'r>(rules: &'r Rules, title: &str) -> Option<&'r Volume> {
    let volumes = rules.volumes.iter().map(|volume| &**volume);
    volumes.filter(|volume| volume.mode != Mode::Disabled).find(|volume| volume.title == title)
}

impl UnitOfWork<'_> {
    /// The volumes that last, for an event.
    pub(super) async fn lasting_volumes(&mut self) -> Result<Vec<VolumeAt>, StoreError> {
        if self.rules.volumes.is_empty() {
            return Ok(vec![]);
        }
        let lasting = self.tx.lasting_volumes().await?.into_iter();
        let lasting = lasting.filter(|lasting| live(&self.rules, &lasting.volume).is_some());
        Ok(lasting.map(|lasting| VolumeAt::lasting(lasting.volume, lasting.since)).collect())
    }

    /// Adds to an event the volumes for which it counts its ticket, after a decision on it. `happened` is when that was,
    /// `now` the time of the decision. Returns whether the event tells rules more, so that the decision must be made again.
    /// A ticket that the decision merges into an earlier one is counted as that one.
    pub(super) async fn count_volumes(
        &mut self,
        ticket: &Ticket,
        event: &mut Event,
        decision: &Decision,
        happened: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rules = self.rules.clone();
        let mut more = false;
        let counting = counting(&rules, event, decision, now);
        let lasting = if counting.is_empty() { vec![] } else { self.tx.lasting_volumes().await? };
        // One that is over, but may yet be prolonged by messages that have not been read, counts nothing that came later.
        let is_over = |volume: &Volume| lasting.iter().any(|l| l.volume == volume.title && l.ends_at <= happened);
        for volume in counting.into_iter().filter(|volume| !is_over(volume)) {
            let known = event.volumes.iter().find(|known| known.volume == volume.title);
            let others = match known {
                Some(known) if known.counted.is_some() => continue,
                Some(_) => vec![],
                None => {
                    let merge = decision.effects.iter().find(|asked| asked.effect == Effect::Merge);
                    let target = match merge {
                        Some(asked) => self.merge_target(ticket, &Actor::Rule(asked.rule.clone())).await?,
                        None => None,
                    };
                    self.tx.counted_near(&volume.title, (ticket.id, target), happened, volume.within).await?
                }
            };
            more |= count(event, volume, &others, happened);
        }
        Ok(more)
    }

    /// Records what an event counted.
    pub(super) async fn keep_volumes(&mut self, ticket: &Ticket, event: &Event) -> Result<(), StoreError> {
        let rules = self.rules.clone();
        for told in &event.volumes {
            let (Some(at), Some(volume)) = (told.counted, live(&rules, &told.volume)) else { continue };
            self.tx.count_in_volume(&volume.title, ticket.id, at, (volume.within, volume.tickets)).await?;
            let (Some(since), Some(last)) = (told.since, self.tx.counted_last(&volume.title, volume.end()).await?)
            else {
                continue;
            };
            let ends_at = ends_at(volume, last);
            if told.starts {
                let (volume, ticket) = (volume.title.clone(), ticket.id);
                self.notices.push(Notice::VolumeStarted { volume: volume.clone(), ticket });
                self.tx.start_volume(&LastingVolume { volume, ticket, since, ends_at }).await?;
            } else {
                self.tx.move_end_of_volume(&volume.title, ends_at).await?;
            }
        }
        Ok(())
    }

    /// Moves the ends of the volumes that last, after tickets became one.
    pub(super) async fn shorten_volumes(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let rules = self.rules.clone();
        for lasting in self.tx.lasting_volumes().await? {
            let Some(volume) = live(&rules, &lasting.volume) else { continue };
            let last = self.tx.counted_last(&volume.title, volume.end()).await?;
            let ends_at = last.map_or(Timestamp::MIN, |last| ends_at(volume, last)).max(minute(now));
            if ends_at < lasting.ends_at {
                self.tx.move_end_of_volume(&volume.title, ends_at).await?;
            }
        }
        Ok(())
    }

    /// Ends the volumes that end by a time, before anything else happens as of that time.
    pub(crate) async fn end_volumes(&mut self, by: Timestamp) -> Result<(), StoreError> {
        let rules = self.rules.clone();
        if rules.volumes.is_empty() {
            return Ok(());
        }
        while let Some(ending) = self.tx.ending_volume(by).await? {
            let Some(volume) = live(&rules, &ending.volume) else { return Ok(()) };
            // Its number or its time may have changed since.
            let last = self.tx.counted_last(&volume.title, volume.end()).await?;
            if let Some(later) = last.map(|last| ends_at(volume, last)).filter(|later| *later > ending.ends_at) {
                self.tx.move_end_of_volume(&volume.title, later).await?;
                continue;
            }
            self.tx.end_volume(&volume.title).await?;
            let told = self.told_of_end(&ending).await?;
            self.notices.push(Notice::VolumeEnded { volume: volume.title.clone(), ticket: told });
            if let Some(id) = told {
                self.catch_up(id, ending.ends_at).await?;
                let Some(ticket) = self.tx.ticket(id).await? else { continue };
                let (after, event) = volume_ends(&ticket, volume.title.clone(), ending.ends_at);
                Box::pin(self.run_at(&after, event, None, ending.ends_at)).await?;
            }
        }
        Ok(())
    }

    /// The ticket whose triggers are told that a volume ends: the one with which it started or, if that is closed, the
    /// one that was counted last and is not.
    async fn told_of_end(&mut self, ending: &LastingVolume) -> Result<Option<TicketId>, StoreError> {
        match self.tx.ticket(ending.ticket).await? {
            Some(ticket) if ticket.status != Status::Closed => Ok(Some(ending.ticket)),
            _ => self.tx.open_ticket_of_volume(&ending.volume).await,
        }
    }
}
