//! Runs commands in a directory.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

/// Exit status, standard output, standard error.
pub fn twite(directory: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    twite_in(directory, arguments, input, &[])
}

/// Exit status, and both outputs as one text.
pub fn run(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let (status, out, errors) = twite_in(directory, arguments, "", &[("NO_COLOR", "1")]);
    (status, out + &errors)
}

pub fn twite_in(
    directory: &Path,
    arguments: &[&str],
    input: &str,
    environment: &[(&str, &str)],
) -> (i32, String, String) {
    let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
    twite.current_dir(directory).args(arguments).envs(environment.iter().copied());
    let mut child = twite.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Fails if the command has ended without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}
