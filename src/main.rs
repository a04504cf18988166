//! The `twite` binary: everything it does lives in the library.

/// Checking rules makes many small objects, on all cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    twite::cli::main()
}
