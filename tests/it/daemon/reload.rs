//! Rules follow their files however these change, and files with errors never replace working rules.
//!
//! Nothing depends on timing: every step waits for its notice, and gives up only if none comes.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc, time::Duration};

use crate::support::TestDesk;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::{sync::broadcast::Receiver, task::JoinHandle};
use twite::{
    app::{Live, Notice, Notices},
    clock::Clock,
    daemon::{Daemon, LastGood, Reload, Reminder, Source},
    lang,
    settings::Settings,
    sim::{NewPerson, NewPost},
    store::{Key, Store},
};

/// Rules whose files are watched.
struct Followed {
    directory: TempDir,
    live: Live,
    told: Receiver<Notice>,
    following: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// A trigger that adds a tag.
fn rule(tag: &str) -> String {
    format!("trigger \"Add {tag}\" {{\n  on created\n  then add tags {tag}\n}}\n")
}

impl Followed {
    /// Rules in a directory that `lay` fills; its subdirectory `rules` is watched.
    async fn new(lay: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        lay(directory.path());
        let rules = vec![directory.path().join("rules")];
        // Short, as all files of one change are written within this time; tests that take longer say so.
        let source = Source { settle: Duration::from_millis(150), ..Source::new(rules, None) };
        Self::of(directory, source)
    }

    fn of(directory: TempDir, source: Source) -> Self {
        let reload = Reload::start(source, Clock::Wall.now()).unwrap();
        let notices = Notices::default();
        let told = notices.listen();
        let (live, at) = (reload.live().clone(), notices.clone());
        let following = tokio::spawn(async move { reload.follow(Clock::Wall, at).await.unwrap() });
        Self { directory, live, told, following }
    }

    /// Changes files in a way that must leave the live rules in place, and returns what is reported.
    async fn keeps_what_is_live(&mut self, what: &str, change: impl FnOnce(&Self)) -> String {
        let good = self.live.rules();
        change(self);
        let report = self.broken().await;
        assert!(Arc::ptr_eq(&good, &self.live.rules()), "after {what}: {:?}", self.titles());
        report
    }

    async fn plain() -> Self {
        Self::new(|directory| {
            fs::create_dir(directory.join("rules")).unwrap();
            fs::write(directory.join("rules/a.twite"), rule("a")).unwrap();
        })
        .await
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
    }

    /// The titles of the live triggers.
    fn titles(&self) -> Vec<String> {
        self.live.rules().triggers.iter().map(|trigger| trigger.title.clone()).collect()
    }

    /// Waits for a notice that `wanted` accepts.
    async fn hear<T>(&mut self, what: &str, wanted: impl Fn(&Self, Notice) -> Option<T>) -> T {
        let patience = Duration::from_secs(60);
        loop {
            match tokio::time::timeout(patience, self.told.recv()).await {
                Ok(Ok(notice)) => {
                    if let Some(heard) = wanted(self, notice) {
                        return heard;
                    }
                }
                other => panic!("no word of {what}: {other:?}; live are {:?}", self.titles()),
            }
        }
    }

    /// Waits until exactly these rules are live, and checks that `lang::load` gives the same.
    async fn live(&mut self, tags: &[&str]) {
        let titles: Vec<String> = tags.iter().map(|tag| format!("Add {tag}")).collect();
        self.hear(&format!("{titles:?}"), |followed, notice| {
            (matches!(notice, Notice::Reloaded { .. }) && followed.titles() == titles).then_some(())
        })
        .await;
        let loaded = lang::load(&[self.at("rules")], None);
        assert_eq!(self.live.rules().version.hash, loaded.rules.unwrap().version.hash);
    }

    /// Waits for the notice of broken rules, and returns its report.
    async fn broken(&mut self) -> String {
        self.hear("broken rules", |_, notice| match notice {
            Notice::Broken { report, .. } => Some(report),
            _ => None,
        })
        .await
    }
}

#[tokio::test]
async fn files_are_edited_added_renamed_and_deleted() {
    let mut rules = Followed::plain().await;
    rules.write("rules/a.twite", &rule("a2"));
    rules.live(&["a2"]).await;
    // As most editors save: a new file, renamed over the old one.
    rules.write("rules/.a.twite.swp", &rule("a3"));
    fs::rename(rules.at("rules/.a.twite.swp"), rules.at("rules/a.twite")).unwrap();
    rules.live(&["a3"]).await;
    rules.write("rules/b.twite", &rule("b"));
    rules.live(&["a3", "b"]).await;
    fs::rename(rules.at("rules/b.twite"), rules.at("rules/0.twite")).unwrap();
    rules.live(&["b", "a3"]).await;
    fs::remove_file(rules.at("rules/0.twite")).unwrap();
    rules.live(&["a3"]).await;
    // A directory is created, then filled, then changed.
    fs::create_dir_all(rules.at("rules/more/deep")).unwrap();
    rules.write("rules/more/deep/c.twite", &rule("c"));
    rules.live(&["a3", "c"]).await;
    rules.write("rules/more/deep/c.twite", &rule("c2"));
    rules.live(&["a3", "c2"]).await;
    fs::remove_dir_all(rules.at("rules/more")).unwrap();
    rules.live(&["a3"]).await;
}

#[tokio::test]
async fn lists_are_followed_and_kept_with_the_live_rules() {
    let mut rules = Followed::plain().await;
    let rule = |tag: &str| rule(tag).replace("on created", "on created\n  when requester.handle in vips");
    rules.write("rules/vips.list", "ada\n");
    rules.write("rules/a.twite", &rule("b"));
    rules.live(&["b"]).await;
    let before = rules.live.rules().version.hash.clone();
    rules.write("rules/vips.list", "ada\nbob\n");
    rules.live(&["b"]).await;
    let live = rules.live.rules();
    assert_ne!(live.version.hash, before);
    assert!(live.files.rules.iter().any(|file| file.name.ends_with("vips.list") && &*file.text == "ada\nbob\n"));
    let report = rules.keeps_what_is_live("an entry that is none", |r| r.write("rules/vips.list", "#ada\n")).await;
    assert!(report.contains("vips.list"), "{report}");
    let report = rules
        .keeps_what_is_live("a list that is put aside", |r| {
            fs::rename(r.at("rules/vips.list"), r.at("rules/vips.LIST")).unwrap();
        })
        .await;
    assert!(report.contains("no list is named `vips`") && report.contains("does not end in `.list`"), "{report}");
    rules.write("rules/vips.list", "ada\n");
    fs::remove_file(rules.at("rules/vips.LIST")).unwrap();
    rules.live(&["b"]).await;
}

#[tokio::test]
async fn the_declarations_are_followed_too() {
    let mut rules = Followed::plain().await;
    rules.write("rules/twite.toml", "[[group]]\nname = \"Social\"\n");
    rules.live(&["a"]).await;
    rules.write("rules/a.twite", "trigger \"Add b\" {\n  on created\n  then assign to group \"Social\"\n}\n");
    rules.live(&["b"]).await;
    rules.write("rules/twite.toml", "[[group]]\nname = \"Sozial\"\n");
    let report = rules.broken().await;
    assert!(report.contains("`Social`") && report.contains("`Sozial`"), "{report}");
    assert_eq!(rules.titles(), ["Add b"]);
}

#[tokio::test]
async fn broken_rules_leave_the_last_good_ones_live() {
    let mut rules = Followed::plain().await;
    let good = rules.live.rules();
    rules.write("rules/a.twite", &rule("a").replace("then", "than"));
    let report = rules.broken().await;
    assert!(report.contains("a.twite:3:3"), "the place is named: {report}");
    assert!(Arc::ptr_eq(&good, &rules.live.rules()));
    // A different mistake is reported too, also a file that cannot be read.
    fs::write(rules.at("rules/a.twite"), [b'#', 0xff, b'\n']).unwrap();
    let report = rules.broken().await;
    assert!(report.contains("UTF-8"), "{report}");
    assert!(Arc::ptr_eq(&good, &rules.live.rules()));
    // Restored to what is live: this is reported too.
    rules.write("rules/a.twite", &rule("a"));
    rules.live(&["a"]).await;
    rules.write("rules/a.twite", &rule("b"));
    rules.live(&["b"]).await;
}

#[tokio::test]
async fn a_mounted_configuration_is_swapped_by_its_link() {
    // As Kubernetes mounts files: links through `..data`, itself a link to a directory with a timestamp.
    let lay = |directory: &Path, date: &str, tag: &str| {
        let data = directory.join("rules").join(date);
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("a.twite"), rule(tag)).unwrap();
        symlink(date, directory.join("rules/..data_tmp")).unwrap();
        fs::rename(directory.join("rules/..data_tmp"), directory.join("rules/..data")).unwrap();
    };
    let mut rules = Followed::new(|directory| {
        lay(directory, "..2026_01", "one");
        symlink("..data/a.twite", directory.join("rules/a.twite")).unwrap();
    })
    .await;
    assert_eq!(rules.titles(), ["Add one"]);
    for (date, tag) in [("..2026_02", "two"), ("..2026_03", "three"), ("..2026_04", "four")] {
        lay(rules.directory.path(), date, tag);
        rules.live(&[tag]).await;
    }
    fs::remove_dir_all(rules.at("rules/..2026_01")).unwrap();
    lay(rules.directory.path(), "..2026_05", "five");
    rules.live(&["five"]).await;
}

#[tokio::test]
async fn a_directory_that_is_a_link_is_swapped() {
    // As deployments do: releases side by side, and a link to the current one.
    let release = |directory: &Path, name: &str, tag: &str| {
        fs::create_dir_all(directory.join(name)).unwrap();
        fs::write(directory.join(name).join("a.twite"), rule(tag)).unwrap();
        let _ = fs::remove_file(directory.join("next"));
        symlink(name, directory.join("next")).unwrap();
        fs::rename(directory.join("next"), directory.join("rules")).unwrap();
    };
    let mut rules = Followed::new(|directory| release(directory, "one", "one")).await;
    release(rules.directory.path(), "two", "two");
    rules.live(&["two"]).await;
    rules.write("two/a.twite", &rule("edited"));
    rules.live(&["edited"]).await;
    release(rules.directory.path(), "three", "three");
    rules.live(&["three"]).await;
    // The whole directory disappears and comes back, as in a fresh checkout.
    fs::remove_file(rules.at("rules")).unwrap();
    rules.broken().await;
    fs::rename(rules.at("one"), rules.at("rules")).unwrap();
    rules.live(&["one"]).await;
}

#[tokio::test]
async fn a_running_daemon_applies_what_its_files_say() {
    let desk = TestDesk::new(&["acme"], &rule("one"), "").await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    let mut served = desk.serve();
    let say = |text: &str| {
        desk.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() }).unwrap();
    };
    let file = desk.rules().join("rules.twite");
    let fired = |title: &str, times: i64| {
        let title = title.to_owned();
        move |counts: &twite::store::Counts, _: &_| counts.fired.get(&title) == Some(&times)
    };
    let logged_after = async |first: &str, text: &str| {
        for _ in 0..1200 {
            let log = fs::read_to_string(desk.log()).unwrap_or_default();
            if log.split_once(first).is_some_and(|(_, rest)| rest.contains(text)) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never logged {text:?}:\n{}", fs::read_to_string(desk.log()).unwrap_or_default());
    };
    say("@acme one");
    desk.until("the first rule", fired("Add one", 1)).await;
    fs::write(&file, "trigger \"Add\" {").unwrap();
    logged_after("stay live", "rules.twite:1:").await;
    say("@acme two");
    desk.until("the first rule again, while its file is broken", fired("Add one", 2)).await;
    fs::write(&file, rule("two")).unwrap();
    logged_after("stay live", "are live").await;
    say("@acme three");
    desk.until("the second rule", fired("Add two", 1)).await;
    assert!(served.runs());
}

#[tokio::test]
async fn what_lost_all_it_had_never_goes_live() {
    let mut rules = Followed::new(|directory| {
        fs::create_dir(directory.join("rules")).unwrap();
        fs::write(directory.join("rules/a.twite"), rule("a")).unwrap();
        fs::write(directory.join("rules/b.twite"), rule("b")).unwrap();
        fs::write(directory.join("rules/twite.toml"), "[[account]]\nhandle = \"acme\"\n").unwrap();
    })
    .await;
    let toml = fs::read_to_string(rules.at("rules/twite.toml")).unwrap();
    let remove = |rules: &Followed, name: &str| fs::remove_file(rules.at(name)).unwrap();
    let mut restored = 0;
    type Change<'c> = Box<dyn FnOnce(&Followed) + 'c>;
    let changes: Vec<(&str, &str, Change<'_>)> = vec![
        ("an empty file", "a.twite has become empty", Box::new(|r| r.write("rules/a.twite", ""))),
        ("a blank file", "a.twite has become empty", Box::new(|r| r.write("rules/a.twite", "\n \t\n"))),
        (
            "no files",
            "all rule files are gone",
            Box::new(|r| ["rules/a.twite", "rules/b.twite"].iter().for_each(|f| remove(r, f))),
        ),
        (
            "only comments",
            "contain no rules",
            Box::new(|r| {
                ["rules/a.twite", "rules/b.twite"].iter().for_each(|f| r.write(f, "# nothing\n"));
            }),
        ),
        (
            "a directory in place of a file",
            "is a directory",
            Box::new(|r| {
                remove(r, "rules/a.twite");
                fs::create_dir(r.at("rules/a.twite")).unwrap();
            }),
        ),
        ("no twite.toml", "twite.toml is gone", Box::new(|r| remove(r, "rules/twite.toml"))),
        ("an empty twite.toml", "empty file", Box::new(|r| r.write("rules/twite.toml", ""))),
        (
            "half a twite.toml",
            "declares no account",
            Box::new(|r| r.write("rules/twite.toml", "edition = \"suite\"\n")),
        ),
        ("no directory", "cannot read", Box::new(|r| fs::rename(r.at("rules"), r.at("gone")).unwrap())),
        (
            "a new directory",
            "all rule files are gone",
            Box::new(|r| {
                fs::rename(r.at("rules"), r.at("gone")).unwrap();
                fs::create_dir(r.at("rules")).unwrap();
            }),
        ),
    ];
    for (what, says, change) in changes {
        let report = rules.keeps_what_is_live(what, change).await;
        assert!(report.contains(says), "{what}: {report}");
        let _ = fs::remove_dir_all(rules.at("gone"));
        if !rules.at("rules").is_dir() {
            fs::create_dir(rules.at("rules")).unwrap();
        }
        let _ = fs::remove_dir(rules.at("rules/a.twite"));
        restored += 1;
        rules.write("rules/twite.toml", &format!("{toml}# {restored}\n"));
        rules.write("rules/a.twite", &rule("a"));
        rules.write("rules/b.twite", &rule("b"));
        rules.live(&["a", "b"]).await;
    }
    // One of several files may be deleted, and its rules with it.
    fs::remove_file(rules.at("rules/b.twite")).unwrap();
    rules.live(&["a"]).await;
}

/// Changes after which `a.twite` is no longer read, each with the report if the last good rules stay live; an empty
/// report means that the file was deleted, and its rules with it.
type Fate = (&'static str, &'static str, fn(&Path));
static FATES: &[Fate] = &[
    ("capitals", "but exists as", |rules| rename(rules, "a.TWITE")),
    ("capitals, and edited", "but exists as", |rules| {
        rename(rules, "a.TWITE");
        fs::write(rules.join("a.TWITE"), rule("other")).unwrap();
    }),
    ("a letter less", "a.twit;", |rules| rename(rules, "a.twit")),
    ("as an editor on Windows saves it", "a.twite.txt;", |rules| rename(rules, "a.twite.txt")),
    ("a backup's name", "a.twite~;", |rules| rename(rules, "a.twite~")),
    ("turned off by its name", "a.twite.off;", |rules| rename(rules, "a.twite.off")),
    ("another name altogether", "old;", |rules| rename(rules, "old")),
    ("into a directory, by another name", "more/a.bak;", |rules| {
        fs::create_dir(rules.join("more")).unwrap();
        rename(rules, "more/a.bak");
    }),
    ("a link that dangles", "no such file", |rules| {
        fs::remove_file(rules.join("a.twite")).unwrap();
        symlink("nowhere", rules.join("a.twite")).unwrap();
    }),
    ("a link to itself", "cannot read", |rules| {
        fs::remove_file(rules.join("a.twite")).unwrap();
        symlink("a.twite", rules.join("a.twite")).unwrap();
    }),
    ("a directory", "is a directory", |rules| {
        fs::remove_file(rules.join("a.twite")).unwrap();
        fs::create_dir(rules.join("a.twite")).unwrap();
    }),
    ("a file that is too long", "file too large", |rules| {
        fs::write(rules.join("a.twite"), format!("{}{}", rule("a"), "# more\n".repeat(200_000))).unwrap();
    }),
    ("no UTF-8", "not valid UTF-8", |rules| fs::write(rules.join("a.twite"), b"\xff\xfe").unwrap()),
    ("a team's directory that is a link to nowhere", "rules/team;", |rules| {
        fs::remove_file(rules.join("team")).unwrap();
        symlink("nowhere", rules.join("team")).unwrap();
    }),
    ("a file in place of a team's directory", "rules/team;", |rules| {
        fs::remove_file(rules.join("team")).unwrap();
        fs::write(rules.join("team"), "").unwrap();
    }),
    ("deleted", "", |rules| fs::remove_file(rules.join("a.twite")).unwrap()),
    ("moved out", "", |rules| rename(rules, "../a.twite")),
    ("moved into a hidden directory", "", |rules| {
        fs::create_dir(rules.join(".old")).unwrap();
        rename(rules, ".old/a.twite");
    }),
    ("hidden", "", |rules| rename(rules, ".a.twite")),
    ("deleted, where a backup of an older version lies", "", |rules| {
        fs::write(rules.join("a.twite~"), rule("older")).unwrap();
        fs::remove_file(rules.join("a.twite")).unwrap();
    }),
];

fn rename(rules: &Path, to: &str) {
    fs::rename(rules.join("a.twite"), rules.join(to)).unwrap();
}

#[tokio::test]
async fn a_file_is_deleted_or_it_is_lost() {
    for (what, says, befalls) in FATES {
        let mut rules = Followed::new(|directory| {
            for name in ["rules", "one", "other"] {
                fs::create_dir(directory.join(name)).unwrap();
            }
            fs::write(directory.join("rules/a.twite"), rule("a")).unwrap();
            fs::write(directory.join("rules/b.twite"), rule("b")).unwrap();
            fs::write(directory.join("one/t.twite"), rule("t")).unwrap();
            symlink("../one", directory.join("rules/team")).unwrap();
        })
        .await;
        let at = rules.at("rules");
        if says.is_empty() {
            befalls(&at);
            rules.live(&["b", "t"]).await;
            continue;
        }
        let report = rules.keeps_what_is_live(what, |_| befalls(&at)).await;
        assert!(report.contains(says), "{what}: {report}");
    }
}

#[tokio::test]
async fn what_is_lost_may_be_deleted_after_all() {
    let mut rules = Followed::plain().await;
    rules.write("rules/b.twite", &rule("b"));
    rules.live(&["a", "b"]).await;
    rules.keeps_what_is_live("a new name", |r| rename(&r.at("rules"), "a.bak")).await;
    fs::remove_file(rules.at("rules/a.bak")).unwrap();
    rules.live(&["b"]).await;
    // A file that was never read is reported as soon as it appears.
    rules.write("rules/c.TWITE", &rule("c"));
    let told = rules.hear("a file that is passed over", |_, notice| match notice {
        notice @ Notice::PassedOver { .. } => Some(notice.to_string()),
        _ => None,
    });
    let told = told.await;
    assert!(told.ends_with("c.TWITE does not end in `.twite`, so its rules are not live"), "{told}");
}

#[tokio::test]
async fn whoever_means_it_may_empty_a_desk() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("rules")).unwrap();
    fs::write(directory.path().join("rules/a.twite"), rule("a")).unwrap();
    let source = Source {
        settle: Duration::from_millis(150),
        allow_empty: true,
        ..Source::new(vec![directory.path().join("rules")], None)
    };
    let mut rules = Followed::of(directory, source);
    rules.write("rules/a.twite", "");
    rules.live(&[]).await;
}

#[tokio::test]
async fn files_that_come_one_by_one_go_live_as_one_set() {
    let mut rules = Followed::plain().await;
    let tags: Vec<String> = (10..30).map(|n| format!("t{n}")).collect();
    for tag in &tags {
        rules.write(&format!("rules/{tag}.twite"), &rule(tag));
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let expected: Vec<&str> = ["a"].into_iter().chain(tags.iter().map(String::as_str)).collect();
    let version = rules.hear("any set", |_, notice| match notice {
        Notice::Reloaded { version, .. } => Some(version),
        _ => None,
    });
    let version = version.await;
    assert_eq!(rules.titles().len(), expected.len(), "the first set that goes live is the whole one");
    assert_eq!(rules.live.rules().version, version);
}

#[tokio::test]
async fn a_write_in_pieces_goes_live_once_it_is_whole() {
    let mut rules = Followed::plain().await;
    let text = rule("whole");
    fs::write(rules.at("rules/a.twite"), "").unwrap();
    for end in [10, 25, text.len()] {
        tokio::time::sleep(Duration::from_millis(60)).await;
        fs::write(rules.at("rules/a.twite"), &text[..end]).unwrap();
    }
    let told = rules
        .hear("what came of it", |_, notice| {
            matches!(notice, Notice::Reloaded { .. } | Notice::Broken { .. }).then_some(notice)
        })
        .await;
    assert!(matches!(told, Notice::Reloaded { .. }), "{told:?}");
    assert_eq!(rules.titles(), ["Add whole"]);
}

#[tokio::test]
async fn files_that_never_settle_go_live_all_the_same() {
    let mut rules = Followed::plain().await;
    let path = rules.at("rules/busy.twite");
    let writing = tokio::spawn(async move {
        for n in 0.. {
            fs::write(&path, rule(&format!("n{n}"))).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    rules.hear("some set", |_, notice| matches!(notice, Notice::Reloaded { .. }).then_some(())).await;
    writing.abort();
}

#[tokio::test]
async fn whoever_asks_need_not_wait() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("rules")).unwrap();
    fs::write(directory.path().join("rules/a.twite"), rule("a")).unwrap();
    let source =
        Source { settle: Duration::from_secs(3600), ..Source::new(vec![directory.path().join("rules")], None) };
    let mut rules = Followed::of(directory, source);
    // Without a change, an explicit reload reports what is live.
    rules.live.reload_now();
    rules.live(&["a"]).await;
    // An explicit reload does not wait until pending changes settle.
    for tag in ["b", "c", "d"] {
        rules.write("rules/a.twite", &rule(tag));
        rules.live.reload_now();
        rules.live(&[tag]).await;
    }
}

#[tokio::test]
async fn the_log_is_reminded_every_ten_minutes_that_rules_are_broken() {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("twite.toml"), "[[account]]\nhandle = \"acme\"\n").unwrap();
    fs::write(rules.join("a.twite"), rule("a")).unwrap();
    let good = lang::load(std::slice::from_ref(&rules), None).rules.unwrap();
    for (files, reminders) in [(rule("a"), 0), ("trigger \"A\" {".to_owned(), 4)] {
        fs::write(rules.join("a.twite"), files).unwrap();
        let last = Some(LastGood {
            rules: lang::rules::Rules::clone(&good),
            settings: Settings::default(),
            since: Timestamp::UNIX_EPOCH,
        });
        let source = Source::new(vec![rules.clone()], None);
        let reload = Reload::go_on(source, last, Timestamp::UNIX_EPOCH).unwrap();
        let store = Store::open(&directory.path().join("twite.db")).await.unwrap();
        let http = twite::x::client::http().unwrap();
        let daemon = Daemon::new(store, Key::random().unwrap(), reload, Clock::driven(), http);
        let mut told = daemon.notices().listen();
        let (mut reminder, mut said) = (Reminder::default(), vec![]);
        for second in 0..2_500 {
            reminder.remind(daemon.app(), Timestamp::from_second(1_800_000_000 + second).unwrap());
            while let Ok(notice) = told.try_recv() {
                assert!(notice.to_string().contains("the rules have had errors since"), "{notice}");
                said.push(second);
            }
        }
        // The error itself was reported when it was found.
        assert_eq!(said, (1..=reminders).map(|n| n * 600).collect::<Vec<_>>());
    }
}
