//! The `twite` binary: everything it does lives in the library.

/// Checking many rules makes many small objects, for which this takes a fraction of the time of the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    twite::cli::main()
}
