//! What the desk does, whoever asks: the daemon, a command or a page.
