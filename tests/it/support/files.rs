//! Tests whose cases are files.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Runs a test on each file of a folder, below the root of the crate, whose name ends in `extension`. Snapshots get the
/// name of the file. All files are run, and those that failed are named together.
///
/// Unlike `insta::glob!`, it leaves the snapshots of tests alone that run at the same time.
pub fn each_file(folder: &str, extension: &str, test: impl Fn(&Path)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(!paths.is_empty(), "no file of {} ends in .{extension}", folder.display());
    let mut failed = vec![];
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_suffix(name);
        settings.set_input_file(&path);
        let run = catch_unwind(AssertUnwindSafe(|| settings.bind(|| test(&path))));
        if let Err(panic) = run {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            failed.push(format!("{name}: {}", text.unwrap_or("it panicked")));
        }
    }
    assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n"));
}
