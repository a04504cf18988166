//! `twite.toml` to a desk: every error at its place, all of them in one go.

use std::{
    collections::{
        HashMap, HashSet,
        hash_map::Entry::{Occupied, Vacant},
    },
    ops::Range,
};

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    codes::{self, Code},
    diagnostic::TextDiagnostic as Diagnostic,
    suggest::{article, did_you_mean, listed, nearest},
    syntax::misleading_characters,
};
use crate::{
    desk::{
        Account, Desk,
        config::{
            Agent, Brand, CustomField, CustomKind, Edition, Group, MailSettings, NUMBERS, NumberRange, Schedule,
            StoreSettings, Webhook, XSettings,
        },
        field::Declared,
        normalize::named,
        text::{fold, is_blank},
    },
    lang::display::Grouped,
};

const KEYS: &[&str] = &[
    "account", "agent", "brand", "edition", "field", "group", "hours", "limits", "mail", "schedule", "store", "url",
    "webhook", "x",
];

/// Where things are kept, whatever else is wrong with the declarations: what is live must be found when they are broken.
/// Nothing where they do not tell: an empty file says nothing, and what cannot be read may have said anything.
pub(crate) fn store_settings(text: &str) -> Option<StoreSettings> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let table = table.into_inner();
    let default = StoreSettings::default();
    let Some(store) = table.get("store") else {
        return (errors.is_empty() && !text.trim().is_empty()).then_some(default);
    };
    let store = store.get_ref().as_table()?;
    let text = |key: &str, default: String| match store.get(key) {
        Some(value) => value.get_ref().as_str().map(str::to_owned),
        None => Some(default),
    };
    Some(StoreSettings { path: text("path", default.path)?, key_env: text("key_env", default.key_env)? })
}

/// Where the value of a key stands.
pub(crate) fn place_of(text: &str, table: &str, key: &str) -> Option<Range<usize>> {
    let (root, _) = DeTable::parse_recoverable(text);
    Some(root.get_ref().get(table)?.get_ref().get(key)?.span())
}

/// Reads the declarations. The desk is there when it could be made sense of, even where something in it is
/// not allowed, so that rules can be checked against it.
pub(crate) fn read(text: &str) -> (Option<Desk>, Vec<Diagnostic>) {
    let mut reader = Reader { out: misleading_characters(text), broken: false };
    let mut table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            reader.error(&codes::TW0501, span, format!("not valid TOML: {why}"));
            return (None, reader.out);
        }
    };
    if text.trim().is_empty() {
        let error = Diagnostic::new(&codes::TW0501, 0..0, "this file is empty, and declares nothing");
        reader.out.push(error.with_help("declare an account with `[[account]]`, or leave a comment in it"));
        return (None, reader.out);
    }
    reader.numbers(&mut table);
    let mut keys: HashMap<String, Spanned<DeValue<'_>>> = HashMap::new();
    for (key, value) in table {
        let (span, name) = (key.span(), key.into_inner().into_owned());
        if KEYS.contains(&name.as_str()) {
            keys.insert(name, value);
        } else {
            reader.unknown_key(&name, span, KEYS);
        }
    }
    let mut take = |key: &str| keys.remove(key);
    let mut accounts = reader.list::<Account>("account", take("account"));
    let mut agents = reader.list::<Agent>("agent", take("agent"));
    let brands = reader.list::<Brand>("brand", take("brand"));
    let fields = reader.list::<CustomField>("field", take("field"));
    let groups = reader.list::<Group>("group", take("group"));
    let mut schedules = reader.list::<Schedule>("schedule", take("schedule"));
    let webhooks = reader.list::<Webhook>("webhook", take("webhook"));
    let url_place = take("url");
    let url: Option<String> = url_place.clone().and_then(|url| reader.setting("url", url));
    let edition = take("edition").and_then(|v| reader.setting("edition", v)).unwrap_or_default();

    reader.names("group", &groups, "name", |g| &g.name);
    reader.names("agent", &agents, "name", |a| &a.name);
    reader.names("brand", &brands, "name", |b| &b.name);
    reader.names("schedule", &schedules, "name", |s| &s.name);
    reader.names("webhook", &webhooks, "name", |w| &w.name);
    reader.names("account", &accounts, "handle", |a| &a.handle);
    reader.names("field", &fields, "name", |f| &f.name);
    reader.accounts(&accounts, edition);
    let brand_names: Vec<_> = brands.iter().map(|b| b.value.name.clone()).collect();
    let group_names: Vec<_> = groups.iter().map(|g| g.value.name.clone()).collect();
    let handles: Vec<_> = accounts.iter().map(|a| a.value.handle.clone()).collect();
    reader.members(&mut accounts, "brand", |a| a.brand.as_mut_slice(), &Declared::Brand, &brand_names);
    reader.members(&mut agents, "groups", |a| &mut a.groups, &Declared::Group, &group_names);
    reader.members(&mut schedules, "groups", |s| &mut s.groups, &Declared::Group, &group_names);
    reader.members(&mut schedules, "accounts", |s| &mut s.accounts, &Declared::Account, &handles);
    reader.schedules(&schedules);
    reader.fields(&fields);
    for webhook in &webhooks {
        reader.address(&webhook.value.url, webhook.at("url"));
        if let Some(name) = &webhook.value.key_env {
            reader.variable(name, webhook.at("key_env"));
        }
    }
    if let (Some(url), Some(place)) = (&url, url_place) {
        reader.address(url, place.span());
        reader.start_of_addresses(url, place.span());
    }

    let hours = take("hours").and_then(|v| reader.table("hours", v)).unwrap_or_default();
    let limits = take("limits").and_then(|v| reader.table("limits", v)).unwrap_or_default();
    let mail: Option<Entry<'_, MailSettings>> =
        take("mail").and_then(|v| reader.with_variable("mail", v, "password_env"));
    let store: Option<Entry<'_, StoreSettings>> =
        take("store").and_then(|v| reader.with_variable("store", v, "key_env"));
    let x: Option<Entry<'_, XSettings>> = take("x").and_then(|v| reader.with_variable("x", v, "client_secret_env"));
    if let Some(store) = &store {
        let path = store.value.path.as_str();
        // To SQLite, a name in colons is a database in memory, a new one for each connection.
        if path.trim().is_empty() || path.contains('\0') || path.starts_with(':') || path.ends_with(['/', '.']) {
            reader.error(&codes::TW0503, store.at("path"), "this is no name of a file");
        }
    }
    for (address, span) in groups.iter().filter_map(|g| Some((g.value.email.as_ref()?, g.at("email")))) {
        reader.mailbox(address, span);
    }
    for (address, span) in agents.iter().filter_map(|a| Some((a.value.email.as_ref()?, a.at("email")))) {
        reader.mailbox(address, span);
    }
    if let Some(mail) = &mail {
        reader.mail(mail);
    }
    if let Some(x) = x.as_ref().filter(|x| x.table.get_ref().get("url").is_some()) {
        reader.address(&x.value.url, x.at("url"));
        reader.start_of_addresses(&x.value.url, x.at("url"));
        if url::Url::parse(&x.value.url).is_ok_and(|url| !matches!(url.path(), "/" | "")) {
            let error = Diagnostic::new(&codes::TW0508, x.at("url"), "X is not reached below a path");
            reader.out.push(error.with_help("write scheme, name and port only, as in `https://api.x.com`"));
        }
    }
    if let Some(x) = x.as_ref().filter(|x| x.value.client_id.as_ref().is_some_and(|id| id.trim().is_empty())) {
        reader.error(&codes::TW0509, x.at("client_id"), "this is no client id");
    }
    let (mail, store, x) = (mail.map(|m| m.value), store.map(|s| s.value), x.map(|x| x.value));
    let (store, x) = (store.unwrap_or_default(), x.unwrap_or_default());
    let admins: Vec<_> = agents.iter().map(|agent| agent.at("admin")).collect();
    let desk = Desk {
        edition,
        url,
        groups: groups.into_iter().map(|e| e.value).collect(),
        agents: agents.into_iter().map(|e| e.value).collect(),
        accounts: accounts.into_iter().map(|e| e.value).collect(),
        brands: brands.into_iter().map(|e| e.value).collect(),
        fields: fields.into_iter().map(|e| e.value).collect(),
        webhooks: webhooks.into_iter().map(|e| e.value).collect(),
        hours,
        schedules: schedules.into_iter().map(|e| e.value).collect(),
        store,
        x,
        mail,
        limits,
    };
    for (name, why) in desk.unreachable_admins() {
        let at = desk.agents.iter().zip(&admins).find(|(agent, _)| agent.name == name);
        let message = format!("no mail reaches the admin `{name}`: {why}");
        let warning = Diagnostic::new(&codes::TW0412, at.map_or(0..0, |(_, span)| span.clone()), message);
        reader.out.push(warning.with_help("admins are told by mail when an account cannot work any more"));
    }
    reader.out.sort_by_key(|d| d.span().start);
    ((!reader.broken).then_some(desk), reader.out)
}

/// A declaration with its place.
struct Entry<'t, T> {
    value: T,
    table: Spanned<DeValue<'t>>,
}

impl<T> Entry<'_, T> {
    /// Where the value of a key stands; the whole declaration where it has none.
    fn at(&self, key: &str) -> Range<usize> {
        self.table.get_ref().get(key).map_or_else(|| self.table.span(), |v| v.span())
    }
}

struct Reader {
    out: Vec<Diagnostic>,
    /// Something declared could not be read, so that names may be missing.
    broken: bool,
}

impl Reader {
    fn error(&mut self, code: &'static Code, span: Range<usize>, message: impl Into<String>) {
        self.out.push(Diagnostic::new(code, span, message));
    }

    fn unknown_key(&mut self, key: &str, span: Range<usize>, known: &[&str]) {
        let suggestion = nearest(key, known.iter().copied());
        let message = format!("unknown key `{key}`{}", did_you_mean(suggestion));
        let help = format!("here can stand {}", listed(known.iter().copied()));
        let diagnostic = Diagnostic::new(&codes::TW0502, span.clone(), message).with_help(help);
        self.out.push(match suggestion {
            Some(meant) => diagnostic.with_guess(span, meant),
            None => diagnostic,
        });
    }

    /// A table of settings, of which there is one. A list is none, though its items might pass for the keys in their order.
    fn table<T: DeserializeOwned>(&mut self, key: &str, value: Spanned<DeValue<'_>>) -> Option<T> {
        self.is_table(key, &value).then(|| self.one(value)).flatten()
    }

    fn is_table(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> bool {
        let message = match value.get_ref() {
            DeValue::Table(_) => return true,
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) && !items.is_empty() => {
                format!("`{key}` is one table: write `[{key}]` instead of `[[{key}]]`")
            }
            other => format!("`{key}` is a table, and this is {}", kind_of(other)),
        };
        self.broken = true;
        let error = Diagnostic::new(&codes::TW0503, value.span(), message);
        self.out.push(error.with_help(format!("its keys stand below a line `[{key}]`")));
        false
    }

    /// One setting at the top.
    fn setting<T: DeserializeOwned>(&mut self, key: &str, value: Spanned<DeValue<'_>>) -> Option<T> {
        self.read(Some(key), value)
    }

    /// The settings of a table. Unknown keys in it are reported and passed over, so that one of them hides nothing else.
    fn one<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'_>>) -> Option<T> {
        self.read(None, value)
    }

    fn read<T: DeserializeOwned>(&mut self, key: Option<&str>, value: Spanned<DeValue<'_>>) -> Option<T> {
        let mut value = value;
        loop {
            let error = match T::deserialize(value.clone().into_deserializer()) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_else(|| value.span());
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
            let removed = unknown.and_then(|(key, rest)| {
                let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
                let place = remove(&mut value, key)?;
                self.unknown_key(key, place, &known);
                Some(())
            });
            if removed.is_none() {
                self.broken = true;
                let message = match message.strip_prefix("missing field `") {
                    Some(rest) => format!("`{}` is missing here", rest.trim_end_matches('`')),
                    None => in_users_words(&message, key, &span, &value),
                };
                self.error(&codes::TW0503, span, message);
                return None;
            }
        }
    }

    /// Numbers outside their range are reported and taken away, so that each counts as its default from there on.
    fn numbers(&mut self, table: &mut DeTable<'_>) {
        for NumberRange { table: name, key, allowed, unit } in NUMBERS {
            let found = table.iter_mut().find(|(key, _)| key.get_ref() == name);
            let Some((_, value)) = found else { continue };
            let tables: Vec<&mut Spanned<DeValue<'_>>> = match value.get_ref() {
                DeValue::Array(_) => match value.get_mut() {
                    DeValue::Array(tables) => tables.iter_mut().collect(),
                    _ => vec![],
                },
                _ => vec![value],
            };
            for table in tables {
                let Some(number) = table.get_ref().get(*key) else { continue };
                let DeValue::Integer(integer) = number.get_ref() else { continue };
                let value = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                if value.is_some_and(|value| allowed.contains(&value)) {
                    continue;
                }
                let (least, most) = (Grouped(*allowed.start()), Grouped(*allowed.end()));
                let message = format!("`{key}` is from {least} to {most} {unit}");
                self.error(&codes::TW0503, number.span(), message);
                remove(table, key);
            }
        }
    }

    /// Declarations of one kind.
    fn list<'t, T: DeserializeOwned>(&mut self, key: &str, value: Option<Spanned<DeValue<'t>>>) -> Vec<Entry<'t, T>> {
        let Some(value) = value else { return vec![] };
        let span = value.span();
        let DeValue::Array(tables) = value.into_inner() else {
            self.broken = true;
            let message = format!("there can be several of `{key}`: write `[[{key}]]`");
            self.error(&codes::TW0503, span, message);
            return vec![];
        };
        let mut entries = vec![];
        for table in tables {
            if !table.get_ref().is_table() {
                self.broken = true;
                let message = format!("each `{key}` is a table, and this is {}", kind_of(table.get_ref()));
                let error = Diagnostic::new(&codes::TW0503, table.span(), message);
                self.out.push(error.with_help(format!("the keys of each stand below a line `[[{key}]]`")));
                continue;
            }
            let hours = table.get_ref().get("hours").filter(|_| key == "schedule");
            if hours.is_none_or(|hours| self.is_table("schedule.hours", hours)) {
                entries.extend(self.one(table.clone()).map(|value| Entry { value, table }));
            }
        }
        entries
    }

    /// A table, one of whose keys is the name of an environment variable.
    fn with_variable<'t, T: DeserializeOwned>(
        &mut self,
        table: &str,
        value: Spanned<DeValue<'t>>,
        variable: &str,
    ) -> Option<Entry<'t, T>> {
        if let Some(variable) = value.get_ref().get(variable)
            && let Some(name) = variable.get_ref().as_str()
        {
            self.variable(name, variable.span());
        }
        self.table(table, value.clone()).map(|read| Entry { value: read, table: value })
    }

    /// Settings of mail that could not send any.
    fn mail(&mut self, mail: &Entry<'_, MailSettings>) {
        let MailSettings { server, directory, from, user, password_env, .. } = &mail.value;
        self.mailbox(from, mail.at("from"));
        let whole = || mail.table.span();
        match (server, directory) {
            (None, None) => self.out.push(
                Diagnostic::new(&codes::TW0503, whole(), "mail has neither a `server` nor a `directory`")
                    .with_help("write `server = \"host:port\"`, or `directory = \"…\"` to try rules without a server"),
            ),
            (Some(_), Some(_)) => {
                let message = "mail goes to a `server` or into a `directory`, not both";
                let error = Diagnostic::new(&codes::TW0503, mail.at("directory"), message);
                self.out
                    .push(error.and_label(mail.at("server"), "the server is here").with_help("leave one of them out"));
            }
            (None, Some(directory)) if directory.trim().is_empty() => {
                self.error(&codes::TW0503, mail.at("directory"), "this is no name of a directory");
            }
            _ => {}
        }
        if let Some(server) = server
            && MailSettings::host_and_port(server).is_none()
        {
            let error = Diagnostic::new(&codes::TW0508, mail.at("server"), format!("`{server}` is no mail server"));
            self.out.push(error.with_help(
                "write `host` or `host:port`, with a port from 1 to 65535; an IPv6 address stands in brackets: `[::1]:25`",
            ));
        }
        if directory.is_some() && server.is_none() && (user.is_some() || password_env.is_some()) {
            let given = if user.is_some() { "user" } else { "password_env" };
            self.error(&codes::TW0503, mail.at(given), "nobody signs in to a `directory`");
        } else if user.is_some() != password_env.is_some() {
            let given = if user.is_some() { "user" } else { "password_env" };
            let message = "a user signs in with a password: `user` and `password_env` go together";
            self.error(&codes::TW0503, mail.at(given), message);
        }
    }

    /// An address that mail can be sent to or come from.
    fn mailbox(&mut self, address: &str, span: Range<usize>) {
        if address.parse::<lettre::message::Mailbox>().is_err() {
            let error = Diagnostic::new(&codes::TW0510, span, format!("`{address}` is no e-mail address"));
            self.out.push(error.with_help("write `name@example.com`, or `Name <name@example.com>`"));
        }
    }

    /// A name of an environment variable: a secret itself looks different, and does not belong here.
    fn variable(&mut self, name: &str, span: Range<usize>) {
        let fits = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !fits {
            let error = Diagnostic::new(&codes::TW0509, span, "the name of an environment variable is expected here");
            self.out.push(error.with_help(
                "secrets never stand in this file: put it in a variable such as `STATUS_PAGE_KEY`, and write that name",
            ));
        }
    }

    /// Names that must be there, and once.
    fn names<T>(&mut self, kind: &str, entries: &[Entry<'_, T>], key: &str, name: impl Fn(&T) -> &str) {
        let mut seen: HashMap<String, Range<usize>> = HashMap::new();
        for entry in entries {
            let (name, span) = (name(&entry.value), entry.at(key));
            if is_blank(name) || name.chars().any(char::is_control) {
                self.error(&codes::TW0509, span, format!("this {kind} has no name that can be used"));
                continue;
            }
            // Rules find a name whatever its case.
            let same = fold(name).into_owned();
            match seen.get(&same) {
                Some(first) => {
                    let message = format!("there is already {} `{name}`", article(kind));
                    let error = Diagnostic::new(&codes::TW0504, span, message);
                    self.out.push(error.and_label(first.clone(), "it is declared here"));
                }
                None => {
                    seen.insert(same, span);
                }
            }
        }
    }

    fn accounts(&mut self, accounts: &[Entry<'_, Account>], edition: Edition) {
        let most = edition.most_accounts();
        if let Some(over) = accounts.get(most) {
            let (name, other) = match edition {
                Edition::Support => ("support", "; `suite` allows five"),
                Edition::Suite => ("suite", ""),
            };
            let message =
                format!("the edition `{name}` allows {}", if most == 1 { "one account" } else { "five accounts" });
            let error = Diagnostic::new(&codes::TW0506, over.at("handle"), message);
            self.out.push(error.with_help(format!("{} are declared{other}", accounts.len())));
        }
        let mut default: Option<&Entry<'_, Account>> = None;
        for account in accounts {
            let a = &account.value;
            let plain = a.handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && a.handle.len() <= 15;
            if !plain && !a.handle.is_empty() {
                let bare = a.handle.trim_start_matches('@').to_owned();
                let error =
                    Diagnostic::new(&codes::TW0509, account.at("handle"), format!("`{}` is no handle", a.handle))
                        .with_help("a handle has up to 15 letters, digits and `_`, and stands here without `@`");
                self.out.push(error.with_guess(account.at("handle"), format!("\"{bare}\"")));
            }
            if edition == Edition::Support && a.capture_direct_messages {
                let written = account.table.get_ref().get("capture_direct_messages").is_some();
                let message = "the edition `support` has public messages only";
                let help = match written {
                    true => "set this to `false`, or the edition to `suite`",
                    false => "write `capture_direct_messages = false`, or set the edition to `suite`",
                };
                let span = account.at("capture_direct_messages");
                let span = if written { span } else { account.at("handle") };
                self.out.push(Diagnostic::new(&codes::TW0506, span, message).with_help(help));
            }
            if a.default {
                if !a.allow_replies {
                    let error = Diagnostic::new(
                        &codes::TW0507,
                        account.at("default"),
                        format!("`{}` answers for others, but allows no replies itself", a.handle),
                    );
                    self.out.push(error.and_label(account.at("allow_replies"), "replies are turned off here"));
                }
                if let Some(first) = default {
                    let message = format!("`{}` is the default account already", first.value.handle);
                    let error = Diagnostic::new(&codes::TW0507, account.at("default"), message);
                    self.out.push(error.and_label(first.at("default"), "here"));
                } else {
                    default = Some(account);
                }
            }
        }
    }

    /// Names of other declarations under a key of each entry: each is told where nothing declares it, and spelt as it is declared
    /// from there on.
    fn members<T>(
        &mut self,
        entries: &mut [Entry<'_, T>],
        key: &str,
        members: impl Fn(&mut T) -> &mut [String],
        declared: &Declared,
        names: &[String],
    ) {
        for Entry { value, table } in entries {
            let places = table.get_ref().get(key);
            let whole = || places.map_or_else(|| table.span(), |places| places.span());
            for (index, member) in members(value).iter_mut().enumerate() {
                let place = places.and_then(|places| places.get_ref().as_array()?.get(index)).map(Spanned::span);
                self.declared(declared, member, names, place.unwrap_or_else(whole));
            }
        }
    }

    fn declared(&mut self, declared: &Declared, name: &mut String, names: &[String], span: Range<usize>) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some(found) = named(declared, &names, name) {
            return found.clone_into(name);
        }
        let kind = match declared {
            Declared::Group => "group",
            Declared::Agent => "agent",
            Declared::Account => "account",
            Declared::Brand => "brand",
            Declared::Choice(_) => "choice",
        };
        let suggestion = nearest(name, names.iter().copied());
        let message = format!("no {kind} `{name}` is declared{}", did_you_mean(suggestion));
        let error = Diagnostic::new(&codes::TW0505, span.clone(), message);
        self.out.push(match suggestion {
            Some(meant) => error.with_guess(span, format!("{meant:?}")),
            None => error.with_help(format!("declare it with `[[{kind}]]`")),
        });
    }

    /// A schedule is for somebody, and nobody has two.
    fn schedules(&mut self, schedules: &[Entry<'_, Schedule>]) {
        let mut seen: HashMap<(&str, &str), Range<usize>> = HashMap::new();
        for schedule in schedules {
            let Schedule { groups, accounts, .. } = &schedule.value;
            if groups.is_empty() && accounts.is_empty() {
                let message = "this schedule is for nobody: it names neither `groups` nor `accounts`";
                self.error(&codes::TW0503, schedule.at("name"), message);
            }
            for (key, kind, names) in [("groups", "group", groups), ("accounts", "account", accounts)] {
                for name in names {
                    match seen.entry((kind, name)) {
                        Occupied(first) => {
                            let message = format!("there is already a schedule for the {kind} `{name}`");
                            let error = Diagnostic::new(&codes::TW0504, schedule.at(key), message);
                            self.out.push(error.and_label(first.get().clone(), "it is here"));
                        }
                        Vacant(place) => {
                            place.insert(schedule.at(key));
                        }
                    }
                }
            }
        }
    }

    fn fields(&mut self, fields: &[Entry<'_, CustomField>]) {
        for field in fields {
            let f = &field.value;
            let plain = f.name.starts_with(|c: char| c.is_ascii_lowercase())
                && f.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !plain && !f.name.is_empty() {
                let error =
                    Diagnostic::new(&codes::TW0509, field.at("name"), format!("`{}` is no name of a field", f.name));
                self.out.push(error.with_help("names have small letters, digits and `_`, and start with a letter"));
            }
            match (f.kind, f.choices.is_empty()) {
                (CustomKind::Choice, true) => {
                    let error = Diagnostic::new(&codes::TW0509, field.at("type"), "a choice needs `choices`");
                    self.out.push(error.with_help("write `choices = [\"one\", \"other\"]`"));
                }
                (CustomKind::Choice, false) => self.choices(field),
                (_, false) => {
                    let message = "only fields of the type `choice` have choices";
                    self.error(&codes::TW0509, field.at("choices"), message);
                }
                (_, true) => {}
            }
        }
    }

    fn choices(&mut self, field: &Entry<'_, CustomField>) {
        let places = field.table.get_ref().get("choices").and_then(|c| c.get_ref().as_array());
        let mut seen = HashSet::new();
        for (index, choice) in field.value.choices.iter().enumerate() {
            let place = places.and_then(|p| p.get(index)).map_or_else(|| field.at("choices"), |v| v.span());
            if is_blank(choice) || choice.chars().any(char::is_control) {
                self.error(&codes::TW0509, place, "a choice is a word");
            } else if !seen.insert(fold(choice)) {
                self.error(&codes::TW0504, place, format!("there is already a choice `{choice}`"));
            }
        }
    }

    /// An address that others are made of by adding to its end.
    fn start_of_addresses(&mut self, url: &str, span: Range<usize>) {
        if url::Url::parse(url).is_ok_and(|url| url.query().is_some() || url.fragment().is_some()) {
            let error = Diagnostic::new(
                &codes::TW0508,
                span,
                "a path is added to this address, so that it cannot have `?` or `#`",
            );
            self.out.push(error.with_help("leave out what follows"));
        }
    }

    fn address(&mut self, url: &str, span: Range<usize>) {
        let fits = url::Url::parse(url)
            .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some() && u.username().is_empty());
        if !fits {
            let error = Diagnostic::new(&codes::TW0508, span, format!("`{url}` is no address that can be called"));
            self.out.push(error.with_help("it starts with `https://` or `http://`, and holds no password"));
        }
    }
}

/// What serde says of a value, in the words of whoever wrote it: which key it is, what it holds, and what was found there.
fn in_users_words(message: &str, top: Option<&str>, span: &Range<usize>, whole: &Spanned<DeValue<'_>>) -> String {
    let (key, found) = at(whole, span);
    let key = key.as_deref().or(top);
    let is = key.map_or_else(|| "this is".to_owned(), |key| format!("`{key}` is"));
    let allowed = key.and_then(|key| NUMBERS.iter().find(|number| number.key == key));
    let wanted = |expected: &str| match expected {
        _ if let Some((_, words)) = WORDS.iter().find(|(word, _)| Some(*word) == key) => listed(words.iter().copied()),
        _ if let Some(NumberRange { allowed, unit, .. }) = allowed => {
            format!("a whole number from {} to {} ({unit})", Grouped(*allowed.start()), Grouped(*allowed.end()))
        }
        "a date string" => "a day in quotes, as in `\"2026-11-25\"`".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list, as in `[\"one\", \"other\"]`".to_owned(),
        "a map" => "a table".to_owned(),
        number if ["u8", "u16", "u32", "u64", "usize", "i64"].contains(&number) => "a whole number".to_owned(),
        table if table.starts_with("struct ") => "a table".to_owned(),
        text if text.contains("string") || text == "enum" => "text in quotes".to_owned(),
        other => other.to_owned(),
    };
    let typed = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((_, expected)) = typed.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{is} {}, and this is {found}", wanted(expected));
    }
    if let Some((found, rest)) = message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`')) {
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let meant = did_you_mean(nearest(found, known.iter().copied()));
        return format!("{is} {}, and this is `{found}`{meant}", listed(known));
    }
    if message.starts_with("wanted ") || message.starts_with("invalid length") {
        return format!("{is} {}, and this is {found}", wanted("string"));
    }
    message.to_owned()
}

/// The settings that are one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("edition", &["suite", "support"]),
    ("type", &["text", "number", "yes_no", "choice"]),
    ("security", &["tls", "starttls", "none"]),
];

/// The key that a place stands under, and what stands there.
fn at(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> (Option<String>, &'static str) {
    let holds = |value: &Spanned<DeValue<'_>>| value.span().start <= span.start && span.end <= value.span().end;
    let inner = match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().find(|(_, inner)| holds(inner)).map(|(key, inner)| (Some(key.get_ref().to_string()), inner))
        }
        DeValue::Array(items) => items.iter().find(|inner| holds(inner)).map(|inner| (None, inner)),
        _ => None,
    };
    match inner {
        Some((key, inner)) => {
            let (deeper, found) = at(inner, span);
            (deeper.or(key), found)
        }
        None => (None, kind_of(value.get_ref())),
    }
}

/// What a value is called.
fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Takes a key out of a table, however deep; where it stood.
fn remove(value: &mut Spanned<DeValue<'_>>, key: &str) -> Option<Range<usize>> {
    match value.get_mut() {
        DeValue::Table(table) => {
            let found = table.keys().find(|k| k.get_ref() == key).map(|k| k.span());
            match found {
                Some(span) => {
                    table.remove(key);
                    Some(span)
                }
                None => table.iter_mut().find_map(|(_, inner)| remove(inner, key)),
            }
        }
        DeValue::Array(values) => values.iter_mut().find_map(|inner| remove(inner, key)),
        _ => None,
    }
}
