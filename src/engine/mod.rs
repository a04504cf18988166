//! Checked rules to decisions: evaluate, run, explain. Pure: no I/O, no clock of its own.
