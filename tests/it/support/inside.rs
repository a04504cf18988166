//! A daemon inside the test process, run step by step, with a clock that messages advance.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use twite::{
    app::replay::{By, replay},
    clock::Clock,
    daemon::{Daemon, Reload, Source},
    desk::{ConnectedAccount, TicketId, Tokens, Viewer, XId},
    settings::{Address, Overrides, XSettings},
    sim::{CLIENT_ID, NewPerson, SimHandle},
    store::{Key, Recorded, Store},
    x::client,
};

use super::{database, owner::OwnerReads as _};

/// A daemon with these rules, connected to these accounts of a simulator. `extra` is more of `twite.toml`, and may declare some of
/// the accounts otherwise than by default.
pub async fn daemon(
    directory: &Path,
    sim: &SimHandle,
    accounts: &[&str],
    rules: &str,
    extra: &str,
) -> (Arc<Daemon>, Vec<XId>) {
    daemon_on(database::at(&directory.join("twite.db")).await, directory, sim, accounts, rules, extra).await
}

/// Like [`daemon`], on this database.
pub async fn daemon_on(
    database: Address,
    directory: &Path,
    sim: &SimHandle,
    accounts: &[&str],
    rules: &str,
    extra: &str,
) -> (Arc<Daemon>, Vec<XId>) {
    let path = directory.join("rules");
    std::fs::create_dir_all(&path).unwrap();
    let mut toml = extra.to_owned();
    for handle in accounts.iter().filter(|handle| !extra.contains(&format!("handle = \"{handle}\""))) {
        toml.push_str(&format!("[[account]]\nhandle = \"{handle}\"\ntrack_likes = true\n"));
    }
    std::fs::write(path.join("twite.toml"), toml).unwrap();
    std::fs::write(path.join("rules.twite"), rules).unwrap();
    let x = XSettings {
        url: sim.url.clone(),
        client_id: Some(CLIENT_ID.to_owned()),
        visibility_delay_millis: 0,
        ..XSettings::default()
    };
    let overrides = Overrides { x: Some(x), ..Overrides::default() };
    let live = Reload::start(Source { overrides, ..Source::new(vec![path], None) }, Timestamp::UNIX_EPOCH).unwrap();
    let store = Store::open(database).await.unwrap();
    let key = Key::random().unwrap();
    let mut ids = Vec::new();
    for handle in accounts {
        let tokens = match sim.connect(handle) {
            Ok(tokens) => tokens,
            Err(_) => {
                sim.make_user(&NewPerson::named(*handle)).unwrap();
                sim.connect(handle).unwrap()
            }
        };
        let id: XId = tokens.user_id.parse().unwrap();
        store.connect(&ConnectedAccount::new(id.clone(), *handle, Timestamp::UNIX_EPOCH)).await.unwrap();
        let tokens =
            Tokens { access: tokens.access_token, refresh: Some(tokens.refresh_token), expires: None, scopes: vec![] };
        store.save_tokens(&key, &id, &tokens).await.unwrap();
        ids.push(id);
    }
    let daemon = Daemon::new(store, key, live, Clock::driven(), client::http().unwrap());
    (Arc::new(daemon), ids)
}

/// All recorded decisions, in order. Each must be replayed as it was decided.
pub async fn decisions(daemon: &Daemon) -> Vec<Recorded> {
    let mut decisions = vec![];
    for n in 1.. {
        if daemon.store().ticket(TicketId(n)).await.unwrap().is_none() {
            break;
        }
        let live = Arc::clone(daemon.rules().rules());
        let replayed = replay(daemon.store(), Viewer::Owner, &live, TicketId(n), None, By::Then).await.unwrap();
        for run in replayed.runs {
            assert!(run.agrees, "run {} of ticket {n} is not replayed as it was decided", run.number);
            decisions.push(run.recorded);
        }
    }
    decisions.sort_by_key(|recorded| recorded.id);
    decisions
}
