//! A daemon inside the test, driven step by step, on a clock that messages drive.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use twite::{
    clock::Clock,
    daemon::{Daemon, Reload, Source},
    desk::{Desk, Tokens, XId},
    sim::{CLIENT_ID, NewPerson, SimHandle},
    store::{AccountState, ConnectedAccount, Key, Store},
    x::client,
};

/// A daemon with these rules, connected to accounts of a simulator.
pub async fn daemon(
    directory: &Path,
    sim: &SimHandle,
    accounts: &[&str],
    rules: &str,
    extra: &str,
) -> (Arc<Daemon>, Vec<XId>) {
    let path = directory.join("rules");
    std::fs::create_dir_all(&path).unwrap();
    let mut toml = extra.to_owned();
    for handle in accounts {
        toml.push_str(&format!("[[account]]\nhandle = \"{handle}\"\ntrack_likes = true\n"));
    }
    std::fs::write(path.join("twite.toml"), toml).unwrap();
    std::fs::write(path.join("rules.twite"), rules).unwrap();
    let url = sim.url.clone();
    let live = Reload::start(
        Source::new(vec![path], None),
        Arc::new(move |mut rules| {
            let mut desk = Desk::clone(&rules.desk);
            desk.x.url.clone_from(&url);
            desk.x.client_id = Some(CLIENT_ID.to_owned());
            desk.x.settle_millis = 0;
            rules.desk = Arc::new(desk);
            rules
        }),
        Timestamp::UNIX_EPOCH,
    )
    .unwrap();
    let store = Store::open(&directory.join("twite.db")).await.unwrap();
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
        store
            .connect(&ConnectedAccount {
                id: id.clone(),
                handle: (*handle).to_owned(),
                state: AccountState::Connected,
                connected: Timestamp::UNIX_EPOCH,
                capture_from: None,
            })
            .await
            .unwrap();
        let tokens =
            Tokens { access: tokens.access_token, refresh: Some(tokens.refresh_token), expires: None, scopes: vec![] };
        store.save_tokens(&key, &id, &tokens).await.unwrap();
        ids.push(id);
    }
    let daemon = Daemon::new(store, key, live, Clock::driven(), client::http().unwrap());
    (Arc::new(daemon), ids)
}
