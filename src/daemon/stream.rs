//! Receives by the activity stream of X: one connection for all accounts that use it.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    push::Lost,
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    desk::Transport,
    store::StoreError,
    x::{
        XError,
        transport::{
            push::decode,
            stream::{Line, connect, http, reconnect_after},
        },
    },
};

/// Interval at which it is checked whether accounts use the stream.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Receives by the stream.
pub(super) struct Streaming {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Number of consecutive failures to connect, or of connections that ended before anything came.
    failures: u32,
}

impl Loop for Streaming {
    async fn step(&mut self) -> Result<Next, StoreError> {
        if self.shared.using(Transport::Stream).await?.is_empty() {
            return Ok(Next::After(LOOK_EVERY));
        }
        let ended = self.receive().await;
        self.shared.push_ended(Transport::Stream, ended, &mut self.failures, reconnect_after).await
    }
}

impl Streaming {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self { shared: shared.clone(), stop: stop.clone(), failures: 0 }
    }

    /// Connects and receives until stopped, until no account uses the stream any more, or until it ends.
    ///
    /// # Errors
    /// Also when the store fails. What was received then is lost, as it is on the stream only once; the lists still have
    /// it.
    async fn receive(&mut self) -> Result<(), Lost> {
        let (settings, http) = (self.shared.app.settings(), http()?);
        let Some(connected) = self.stop.run_until_cancelled(connect(&settings.x, &http)).await else { return Ok(()) };
        let mut stream = connected?;
        self.shared.push.open(Transport::Stream, None);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = look.tick() => {
                    self.shared.push.check_doubt(Transport::Stream)?;
                    if self.shared.using(Transport::Stream).await?.is_empty() {
                        return Ok(());
                    }
                }
                lines = stream.lines() => self.take(lines?).await?,
            }
        }
    }

    /// Takes in what came.
    ///
    /// # Errors
    /// Also when X says that it ends the stream.
    async fn take(&mut self, lines: Vec<Line>) -> Result<(), Lost> {
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
        }
        self.shared.take_pushed(Transport::Stream, &pushed).await?;
        if let Some(ends) = ends {
            return Err(ends.into());
        }
        self.failures = 0;
        Ok(())
    }
}
