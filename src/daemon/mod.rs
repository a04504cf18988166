//! Wires the rooms: reload, ingest, decide, commit, send.
