//! Handling of signals while files are written.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::{
    consts::{SIGINT, SIGTERM, SIGXFSZ},
    flag,
    low_level::emulate_default_handler,
};

/// Turns SIGXFSZ (`ulimit -f`) into a write error.
pub(super) fn outlive_size_limits() {
    // If no handler can be installed, the signal ends the process, as by default.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// A guard that defers SIGINT and SIGTERM until it is dropped.
pub(super) struct Uninterrupted(&'static Handler);

#[derive(Default)]
struct Handler {
    /// Whether a signal ends the process at once.
    at_once: Arc<AtomicBool>,
    /// The deferred signal; 0 for none.
    waiting: Arc<AtomicUsize>,
}

impl Handler {
    fn listen() -> Self {
        let handler = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // If no handler can be installed, the signal ends the process, as by default.
            let _ = handler.listen_to(signal);
        }
        handler
    }

    fn listen_to(&self, signal: i32) -> io::Result<()> {
        flag::register_conditional_default(signal, Arc::clone(&self.at_once))?;
        flag::register_usize(signal, Arc::clone(&self.waiting), usize::try_from(signal).unwrap_or_default())?;
        Ok(())
    }
}

impl Uninterrupted {
    pub(super) fn begin() -> Self {
        static HANDLER: OnceLock<Handler> = OnceLock::new();
        let handler = HANDLER.get_or_init(Handler::listen);
        handler.at_once.store(false, Ordering::SeqCst);
        Self(handler)
    }
}

impl Drop for Uninterrupted {
    fn drop(&mut self) {
        self.0.at_once.store(true, Ordering::SeqCst);
        if let Ok(signal @ 1..) = i32::try_from(self.0.waiting.load(Ordering::SeqCst)) {
            // Fails only for signals that do not end a process.
            let _ = emulate_default_handler(signal);
        }
    }
}
