//! Reads `twite.toml` into declarations and settings, and reports all mistakes at once.

mod declarations;
mod lints;
mod paths;
mod settings;
mod table;
mod text;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    path::Path,
};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

pub(super) use self::paths::{check as unusable_paths, check_contents as unusable_contents};
pub(crate) use self::settings::without_secrets;
use self::{
    declarations::Names,
    table::{Entry, Reader, whole},
};
use super::{codes, diagnostic::TextDiagnostic as Diagnostic, levels::Levels, lines::LineIndex};
use crate::{
    desk::{
        Account, Accounts, CustomField, Declarations, Hours, Owner, RatingWords,
        declarations::{Agent, Brand, Edition, Group, Organisation, Schedule},
        field::Declared,
    },
    settings::{Address, Limits, MailSettings, Settings, StoreSettings, WebSettings, Webhook, XSettings},
};

const KEYS: &[&str] = &[
    "account",
    "agent",
    "brand",
    "edition",
    "field",
    "group",
    "hours",
    "limits",
    "lints",
    "mail",
    "organisation",
    "satisfaction",
    "schedule",
    "store",
    "url",
    "web",
    "webhook",
    "x",
];

/// The contents of `twite.toml`.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// What rules may refer to. `None` if the text is empty or not valid TOML.
    pub(crate) declarations: Option<Declarations>,
    /// Settings of the process, which rules do not refer to.
    pub(crate) settings: Settings,
    /// Tables and keys that could not be read.
    pub(crate) gaps: Gaps,
    /// The schedules that are reported as unused, each with its span, unless a rule asks for them by name.
    pub(crate) unused_schedules: Vec<(String, Range<usize>)>,
    /// The levels of warnings.
    pub(super) levels: Levels,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Tables and keys that could not be read. A rule is not reported for using a name that one of them may declare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gaps(BTreeSet<&'static str>);

impl Gaps {
    /// Whether a table under a key, such as `group`, could not be read, or a key of such a table, such as
    /// `agent.groups`.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add_where(&mut self, is: bool, key: &'static str) {
        if is {
            self.0.insert(key);
        }
    }
}

/// The store settings, read even if the rest of the file is invalid, so that the live rule set can be found. `None` if
/// they cannot be determined: the text is empty, or the part that may contain them cannot be read.
pub(crate) fn store_settings(text: &str) -> Option<StoreSettings> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let table = table.into_inner();
    let default = StoreSettings::default();
    let Some(store) = table.get("store") else {
        return (errors.is_empty() && !text.trim().is_empty()).then_some(default);
    };
    let store = store.get_ref().as_table()?;
    let text = |key: &str, default: Option<String>| match store.get(key) {
        Some(value) => value.get_ref().as_str().map(|text| Some(text.to_owned())),
        None => Some(default),
    };
    let url = text("url", Some(default.url))??;
    let is_usable = Address::from_url(&url).is_ok_and(|address| !address.has_password());
    is_usable.then_some(StoreSettings {
        url,
        password_env: text("password_env", default.password_env)?,
        key_env: text("key_env", Some(default.key_env))??,
        // Not needed to find it.
        incoming_days: default.incoming_days,
    })
}

/// The span of the value of a key in a table.
fn place_of(text: &str, table: &str, key: &str) -> Option<Range<usize>> {
    let (root, _) = DeTable::parse_recoverable(text);
    Some(root.get_ref().get(table)?.get_ref().get(key)?.span())
}

/// Reads `twite.toml`. Paths in it are relative to `directory`, which contains the file.
pub(crate) fn read(text: &str, directory: &Path) -> Config {
    let (found, readable) = text::readable(text);
    let mut reader = Reader { out: found };
    let (table, errors) = DeTable::parse_recoverable(&readable);
    if !errors.is_empty() {
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let why = error.message().lines().next().unwrap_or_default();
            let error = Diagnostic::new(&codes::TW0501, span, format!("not valid TOML: {why}"));
            reader.out.push(error.with_help("write `key = value` below a line `[table]`, and texts in double quotes"));
        }
        return Config { diagnostics: reader.out, ..Config::default() };
    }
    let table = table.into_inner();
    if text.trim().is_empty() {
        let error = Diagnostic::new(&codes::TW0501, 0..0, "empty file");
        reader.out.push(error.with_help("declare an account with `[[account]]`, or write a comment in it"));
        return Config { diagnostics: reader.out, ..Config::default() };
    }
    let mut root = Root::new(table, reader);
    let mut accounts = root.list::<Account>("account", &["handle"]);
    let mut agents = root.list::<Agent>("agent", &["name"]);
    let brands = root.list::<Brand>("brand", &["name"]);
    let mut fields = root.list::<CustomField>("field", &["name", "type"]);
    let groups = root.list::<Group>("group", &["name"]);
    let organisations = root.list::<Organisation>("organisation", &["name"]);
    let mut schedules = root.list::<Schedule>("schedule", &["name", "hours"]);
    let webhooks = root.list::<Webhook>("webhook", &["name", "url"]);
    let hours = root.table::<Hours>("hours", &[]);
    let limits = root.table::<Limits>("limits", &[]);
    let satisfaction = root.table::<RatingWords>("satisfaction", &[]);
    let mail = root.table::<MailSettings>("mail", &["from"]);
    let store = root.table::<StoreSettings>("store", &[]);
    let web = root.table::<WebSettings>("web", &[]);
    let x = root.table::<XSettings>("x", &[]);
    let lints = root.keys.remove("lints");
    let levels = lints.map(|lints| root.reader.levels(&lints)).unwrap_or_default();
    let url = root.value::<String>("url");
    let edition = root.value::<Edition>("edition").map(|(edition, _)| edition).unwrap_or_default();
    let Root { mut reader, mut gaps, .. } = root;
    for field in &mut fields {
        field.is_whole &= !field.has_lost("choices");
        gaps.add_where(!field.is_whole, "field");
    }
    gaps.add_where(agents.iter().any(|agent| agent.has_lost("groups")), "agent.groups");
    let no_email =
        agents.iter().any(|agent| agent.has_lost("email")) || groups.iter().any(|group| group.has_lost("email"));
    gaps.add_where(no_email, "email");

    reader.names("group", &groups, "name", |g| &g.name);
    reader.names("agent", &agents, "name", |a| &a.name);
    reader.names("brand", &brands, "name", |b| &b.name);
    reader.names("organisation", &organisations, "name", |o| &o.name);
    reader.names("schedule", &schedules, "name", |s| &s.name);
    reader.names("webhook", &webhooks, "name", |w| &w.name);
    reader.names("account", &accounts, "handle", |a| &a.handle);
    for of in Owner::ALL {
        reader.names("field", fields.iter().filter(|field| field.value.of == of), "name", |f| &f.name);
    }
    reader.accounts(&accounts, edition);
    let brand_names = Names::of(Declared::Brand, &brands, |b| &b.name, !gaps.has("brand"));
    let group_names = Names::of(Declared::Group, &groups, |g| &g.name, !gaps.has("group"));
    let handles = Names::of(Declared::Account, &accounts, |a| &a.handle, !gaps.has("account"));
    reader.members(&mut accounts, "brand", |a| a.brand.as_mut_slice(), &brand_names);
    reader.members(&mut agents, "groups", |a| &mut a.groups, &group_names);
    reader.members(&mut schedules, "groups", |s| &mut s.groups, &group_names);
    reader.members(&mut schedules, "accounts", |s| &mut s.accounts, &handles);
    hours.iter().for_each(|entry| reader.opening(entry, &entry.value));
    schedules.iter().for_each(|entry| reader.opening(entry, &entry.value.hours));
    satisfaction.iter().for_each(|words| reader.rating_words(words));
    let unused_schedules = reader.schedules(&schedules);
    reader.fields(&fields);
    for (address, span) in groups.iter().filter_map(|g| Some((g.value.email.as_ref()?, g.at("email")))) {
        reader.mailbox(address, span);
    }
    for (address, span) in agents.iter().filter_map(|a| Some((a.value.email.as_ref()?, a.at("email")))) {
        reader.mailbox(address, span);
    }
    if let Some((url, span)) = &url {
        reader.address(url, span.clone());
        reader.start_of_addresses(url, span.clone());
    }
    webhooks.iter().for_each(|webhook| reader.webhook(webhook));
    mail.iter().for_each(|mail| reader.mail(mail));
    store.iter().for_each(|store| reader.store(store));
    web.iter().for_each(|web| reader.web(web));
    x.iter().for_each(|x| reader.x(x));

    let lines = LineIndex::new(text);
    let agents_read = agents.iter().filter(|agent| agent.is_whole);
    let admins: Vec<_> = agents_read.map(|agent| (agent.at("admin"), agent.has_lost("email"))).collect();
    let declarations = Declarations {
        edition,
        url: url.map(|(url, _)| url),
        groups: whole(groups),
        agents: whole(agents),
        accounts: Accounts(accounts.iter().filter(|e| e.is_whole).map(|e| e.value.clone()).collect()),
        brands: whole(brands),
        organisations: whole(organisations),
        fields: whole(fields),
        webhooks: webhooks.iter().filter(|e| e.is_whole).map(|e| e.value.name.clone()).collect(),
        hours: hours.map(|e| e.value).unwrap_or_default(),
        schedules: whole(schedules),
        satisfaction: satisfaction.map(|entry| entry.value).unwrap_or_default(),
    };
    for (name, why) in declarations.unreachable_admins(mail.is_some() || gaps.has("mail")) {
        let at = declarations.agents.iter().zip(&admins).find(|(agent, _)| agent.name == name);
        let Some((_, (span, false))) = at else { continue };
        let message = format!("admin `{name}` cannot receive email: {why}");
        let warning = Diagnostic::new(&codes::TW0412, span.clone(), message);
        reader.out.push(warning.with_help("admins receive an email when an account stops working"));
    }
    let written = |entry: Entry<'_, Account>| {
        let keys = entry.written().map(|(key, span)| (key.to_owned(), lines.line(span.start) + 1)).collect();
        Account { written: keys, ..entry.value }
    };
    let mail = mail.filter(|mail| mail.is_whole).map(|mail| mail.value);
    let settings = Settings {
        accounts: Accounts(accounts.into_iter().filter(|e| e.is_whole).map(written).collect()),
        webhooks: whole(webhooks),
        store: store.map(|e| e.value).unwrap_or_default(),
        x: x.map(|e| e.value).unwrap_or_default(),
        mail: mail.map(|mail| MailSettings { directory: mail.directory.map(|named| directory.join(named)), ..mail }),
        limits: limits.map(|e| e.value).unwrap_or_default(),
        web: web.map(|e| e.value).unwrap_or_default(),
    };
    reader.out.sort_by_key(|d| d.span().start);
    Config { declarations: Some(declarations), settings, gaps, unused_schedules, levels, diagnostics: reader.out }
}

/// The top-level keys; reading one removes it.
struct Root<'t> {
    keys: HashMap<&'static str, Spanned<DeValue<'t>>>,
    reader: Reader,
    gaps: Gaps,
}

impl<'t> Root<'t> {
    fn new(mut table: DeTable<'t>, mut reader: Reader) -> Self {
        reader.numbers(&mut table);
        let (mut keys, mut gaps) = (HashMap::new(), Gaps::default());
        for (key, value) in table {
            match KEYS.iter().find(|known| *known == key.get_ref()) {
                Some(known) => drop(keys.insert(*known, value)),
                None => gaps.0.extend(reader.unknown_key(key.get_ref(), key.span(), KEYS)),
            }
        }
        Self { keys, reader, gaps }
    }

    /// Reads the array of tables under a key, without those that are unreadable.
    fn list<T: DeserializeOwned>(&mut self, key: &'static str, required: &[&str]) -> Vec<Entry<'t, T>> {
        let Some(value) = self.keys.remove(key) else { return vec![] };
        let (entries, all) = self.reader.list(key, value, required);
        self.gaps.add_where(!all, key);
        entries
    }

    /// Reads the table under a key.
    fn table<T: DeserializeOwned>(&mut self, key: &'static str, required: &[&str]) -> Option<Entry<'t, T>> {
        let table = self.reader.table(key, self.keys.remove(key)?, required);
        self.gaps.add_where(table.as_ref().is_none_or(|table| !table.is_whole), key);
        table
    }

    /// Reads the value under a key. Returns it with its span.
    fn value<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<(T, Range<usize>)> {
        let value = self.keys.remove(key)?;
        let span = value.span();
        Some((self.reader.value(key, value)?, span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_told_from_what_has_its_default() {
        let text = "[[account]]\nhandle = \"acme\"\n\ntrack_likes = false\n[[account]]\nhandle = \"bikes\"\n";
        let accounts = read(text, Path::new("")).settings.accounts;
        assert!(accounts.iter().all(|account| !account.track_likes));
        let written = |handle: &str, key: &str| accounts.get(handle).unwrap().written.get(key).copied();
        assert_eq!((written("acme", "track_likes"), written("bikes", "track_likes")), (Some(4), None));
        assert_eq!((written("acme", "handle"), written("acme", "post_length")), (Some(2), None));
    }

    #[test]
    fn every_toml_error_is_reported() {
        let text = "[store\n\n[[group]]\nname = \"a\nemail = 1 2\n";
        let lines = LineIndex::new(text);
        let read = read(text, Path::new(""));
        let found: Vec<_> = read.diagnostics.iter().map(|d| (d.code.id, lines.line(d.span().start) + 1)).collect();
        assert_eq!(found, [("TW0501", 1), ("TW0501", 4), ("TW0501", 5)]);
    }

    #[test]
    fn mail_lies_beside_twite_toml() {
        let mail = |named: &str| {
            let text = format!("[mail]\nfrom = \"a@b.example\"\ndirectory = \"{named}\"\n");
            read(&text, Path::new("desk")).settings.mail.unwrap().directory.unwrap()
        };
        assert_eq!(mail("mail"), Path::new("desk/mail"));
        assert_eq!(mail("/var/mail"), Path::new("/var/mail"));
    }
}
