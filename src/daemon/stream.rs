//! Receives by the activity stream of X: one connection for all accounts that use it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    desk::{ConnectedAccount, Receives, Transport, XId},
    store::StoreError,
    x::{
        XError,
        subscriptions::Subject,
        transport::{
            push::decode,
            stream::{Line, connect, http, reconnect_after},
        },
    },
};

/// Interval at which the list of accounts is read again.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(2);
/// Interval between attempts to subscribe to the events of an account.
const SUBSCRIBE_EVERY: Duration = Duration::from_secs(60);

/// Receives by the stream.
pub(super) struct Streaming {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Number of consecutive failures to connect, or of connections that ended at once.
    failures: u32,
    /// The accounts whose events are subscribed to, and what those are.
    subscribed: BTreeMap<XId, (i64, Vec<Subject>)>,
    /// When subscribing failed last, and how often.
    refused: BTreeMap<XId, (Instant, u32)>,
}

impl Loop for Streaming {
    async fn step(&mut self) -> Result<Next, StoreError> {
        if self.shared.receiving(Receives::Stream).await?.is_empty() {
            return Ok(Next::After(ACCOUNTS_EVERY));
        }
        // Whoever connects again may find other subscriptions than before.
        self.subscribed.clear();
        let ended = self.receive().await.inspect_err(|_| self.shared.push.forget())?;
        let Err(error) = ended else { return Ok(Next::Now) };
        self.failures = self.failures.saturating_add(1);
        let wait = reconnect_after(self.failures, &error);
        for (account, _) in self.shared.receiving(Receives::Stream).await? {
            self.shared.push_fails(&account, Transport::Stream, &error.to_string(), self.failures, wait).await?;
        }
        Ok(Next::After(wait))
    }
}

impl Streaming {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self {
            shared: shared.clone(),
            stop: stop.clone(),
            failures: 0,
            subscribed: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Connects and receives until stopped, until no account uses the stream any more, or until it ends.
    ///
    /// # Errors
    /// When the store fails. What was received then is lost, as it is on the stream only once; the lists still have it.
    async fn receive(&mut self) -> Result<Result<(), XError>, StoreError> {
        let http = match http() {
            Ok(http) => http,
            Err(error) => return Ok(Err(error)),
        };
        let settings = self.shared.app.settings();
        let Some(connected) = self.stop.run_until_cancelled(connect(&settings.x, &http)).await else {
            return Ok(Ok(()));
        };
        let mut stream = match connected {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error)),
        };
        let mut accounts = self.subscribe().await?;
        let mut look = interval(ACCOUNTS_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(Ok(())),
                _ = look.tick() => {
                    accounts = self.subscribe().await?;
                    if accounts.iter().any(|account| self.shared.push.takes_doubt(&account.id)) {
                        return Ok(Err(XError::unavailable("X did not deliver messages that its lists have")));
                    }
                    if accounts.is_empty() {
                        return Ok(Ok(()));
                    }
                }
                lines = stream.lines() => match lines {
                    Ok(lines) => if let Err(ended) = self.take(&accounts, lines).await? {
                        return Ok(Err(ended));
                    },
                    Err(error) => return Ok(Err(error)),
                },
            }
        }
    }

    /// Subscribes to the events of the accounts, as far as that is not done. Returns the accounts.
    async fn subscribe(&mut self) -> Result<Vec<ConnectedAccount>, StoreError> {
        let mut accounts = vec![];
        for (account, subjects) in self.shared.receiving(Receives::Stream).await? {
            accounts.push(account.clone());
            let wanted = (account.times_connected, subjects);
            if self.subscribed.get(&account.id) == Some(&wanted) {
                continue;
            }
            let waits = |(at, _): &(Instant, u32)| at.elapsed() < SUBSCRIBE_EVERY;
            if self.refused.get(&account.id).is_some_and(waits) {
                continue;
            }
            let Some(client) = self.shared.client(&account) else { continue };
            let subscribed = client.deliver(&wanted.1, None, &self.shared.subscription_tag()).await;
            match subscribed {
                Ok(()) => {
                    self.shared.push_works(&account, Transport::Stream).await?;
                    self.refused.remove(&account.id);
                    self.subscribed.insert(account.id, wanted);
                }
                Err(error) => {
                    let why = format!("cannot subscribe to its events: {error}");
                    let failures = self.refused.get(&account.id).map_or(1, |(_, failures)| failures.saturating_add(1));
                    self.refused.insert(account.id.clone(), (Instant::now(), failures));
                    self.shared.push_fails(&account, Transport::Stream, &why, failures, SUBSCRIBE_EVERY).await?;
                }
            }
        }
        Ok(accounts)
    }

    /// Takes in what came. The inner error is why X ends the stream.
    async fn take(
        &mut self,
        accounts: &[ConnectedAccount],
        lines: Vec<Line>,
    ) -> Result<Result<(), XError>, StoreError> {
        let (mut pushed, mut ends) = (vec![], None);
        for line in lines {
            match line {
                Line::KeepAlive => {}
                Line::Delivery(delivery) => match decode(&delivery) {
                    Ok(events) => pushed.extend(events),
                    Err(why) => tracing::warn!("the activity stream has what cannot be read: {why}"),
                },
                Line::TooLong => tracing::warn!("the activity stream has an event that is too long, and was skipped"),
                Line::Ends(why) => ends = Some(XError::unavailable(why)),
            }
            self.failures = 0;
        }
        self.shared.take_pushed(Transport::Stream, accounts, pushed).await?;
        Ok(ends.map_or(Ok(()), Err))
    }
}
