//! The `twite` binary: everything it does lives in the library.

fn main() -> std::process::ExitCode {
    twite::cli::main()
}
