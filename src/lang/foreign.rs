//! What other languages and help desks write, and what is written here instead: tables, read by the messages.

mod phrases;

pub(super) use self::phrases::{
    ACTIONS, ANYWHERE, CAPS, COMMENT, CONDITIONS, COUNTS, EVENTS, EVERIES, EXPECTATIONS, FACTS, GIVENS, HAPPENINGS,
    LANGUAGE_TEXTS, LAST_AGENT, MEASURES, OWN_GROUP, PERIODS, RECIPIENTS, RECIPIENTS_START, SAMPLE, SAMPLES, STARTS,
    TARGETS, UNDER,
};
use super::syntax::is_quote;
use crate::desk::field::known;

/// A word of rules, and the words that others have for it.
const WORDS: &[(&str, &[&str])] = &[
    // Items and clauses.
    ("trigger", &["rule", "regel", "auslöser", "règle", "déclencheur", "regla", "disparador"]),
    ("automation", &["automatisierung", "automatisation", "automatización", "cron"]),
    ("view", &["ansicht", "vue", "vista"]),
    ("report", &["bericht", "rapport", "informe"]),
    ("sla", &["policy"]),
    ("volume", &["spike", "surge", "burst", "peak"]),
    ("macro", &["makro"]),
    ("let", &["const", "var", "def", "define"]),
    ("test", &["it"]),
    (
        "when",
        &["if", "where", "whenever", "conditions", "condition", "wenn", "falls", "quand", "lorsque", "si", "cuando"],
    ),
    ("where", &["if", "filter", "wo", "où", "donde"]),
    ("then", &["actions", "dann", "alors", "entonces"]),
    ("on", &["event", "events", "bei", "beim"]),
    ("on created", &["create", "creation", "new", "opened", "tweet", "mention", "dm", "erstellt", "créé", "creado"]),
    (
        "on updated",
        &["update", "change", "changed", "reply", "comment", "edited", "geändert", "modifié", "actualizado"],
    ),
    ("columns", &["select", "fields", "show", "spalten", "colonnes", "columnas"]),
    ("sort by", &["order"]),
    ("expect", &["assert", "then", "should", "erwarte"]),
    ("given", &["setup", "gegeben", "étant"]),
    // Actions.
    ("set", &["change", "update", "setze", "setzen", "définir", "mettre", "poner", "establecer"]),
    ("like", &["favorite", "favourite", "heart"]),
    ("block", &["ban"]),
    ("mute", &["silence"]),
    ("clear", &["empty", "reset", "unset", "leere", "vider", "vaciar"]),
    ("add tags", &["tag", "add_tag", "add_tags", "label"]),
    ("remove tags", &["untag", "delete", "remove_tag", "remove_tags"]),
    ("assign to", &["route", "move", "transfer", "zuweisen", "assigner", "asignar"]),
    (
        "reply",
        &[
            "send_reply",
            "reply_public",
            "public_reply",
            "respond",
            "answer",
            "say",
            "tweet",
            "antworte",
            "répondre",
            "responder",
        ],
    ),
    ("ask for satisfaction", &["survey", "ask", "ask_for_satisfaction", "request_rating", "umfrage", "encuesta"]),
    ("note", &["internal", "notiz", "remarque", "nota"]),
    ("notify", &["send", "email", "mail", "alert", "benachrichtige", "notifier", "notificar"]),
    ("remind", &["erinnere", "rappeler", "recordar"]),
    ("webhook", &["call", "http", "post", "request"]),
    ("snooze for", &["wait", "sleep", "delay", "defer"]),
    ("stop", &["exit", "return", "continue", "skip", "break", "end", "halt"]),
    // Between and before the parts of conditions.
    ("and", &["und", "et", "y"]),
    ("or", &["oder", "ou", "o"]),
    ("not", &["nicht", "pas", "non"]),
    ("is", &["equals", "equal", "eq", "are", "ist", "est", "es"]),
    ("has", &["hat", "tiene", "contain", "includes", "include", "enthält", "contient", "contiene"]),
    ("contains", &["contain", "includes", "include", "enthält", "contient", "contiene"]),
    ("matches", &["match", "regex", "regexp", "rlike"]),
    ("changed", &["changes"]),
    // Values.
    ("new", &["neu", "nouveau", "nuevo"]),
    ("open", &["offen", "ouvert", "abierto", "active"]),
    ("pending", &["waiting", "wartend", "attente", "pendiente"]),
    ("hold", &["on-hold", "on_hold", "onhold", "paused"]),
    ("solved", &["resolved", "done", "gelöst", "résolu", "resuelto"]),
    ("closed", &["geschlossen", "fermé", "cerrado"]),
    ("low", &["niedrig", "basse", "baja"]),
    ("normal", &["medium", "standard", "moyenne", "media"]),
    ("high", &["major", "hoch", "wichtig", "haute", "élevée", "alta"]),
    ("urgent", &["critical", "highest", "blocker", "dringend", "urgente"]),
    ("question", &["frage", "pregunta"]),
    ("incident", &["bug", "störung", "incidente"]),
    ("problem", &["problème", "problema"]),
    ("offered", &["asked", "angeboten", "proposé", "ofrecido"]),
    ("good", &["positive", "happy", "good_with_comment", "gut", "bon", "bueno"]),
    ("bad", &["negative", "unhappy", "bad_with_comment", "schlecht", "mauvais", "malo"]),
    ("task", &["aufgabe", "tâche", "tarea"]),
    ("twitter", &["x", "public", "mention", "tweet", "post"]),
    ("twitter_dm", &["dm", "dms", "direct", "direct_message", "private", "x_dm"]),
    ("twitter_like", &["like", "likes", "favorite", "x_like"]),
    ("email", &["mail", "e-mail", "courriel", "correo"]),
    ("me", &["myself", "self", "current_user", "currentuser", "current_agent", "ich", "mich", "mir", "moi", "yo"]),
    ("yes", &["ja", "oui", "sí"]),
    ("no", &["nein"]),
    // Fields.
    ("status", &["state", "zustand", "statut", "estado"]),
    ("priority", &["prio", "severity", "priorität", "priorité", "prioridad"]),
    ("channel", &["via", "via.channel", "ticket.via.channel", "source", "kanal", "canal"]),
    ("group", &["team", "queue", "gruppe", "groupe", "grupo"]),
    ("assignee", &["agent", "owner", "assigned_to"]),
    ("watchers", &["watcher", "watching", "collaborators", "subscribers", "beobachter", "observateurs", "seguidores"]),
    ("requester", &["customer", "person", "user", "contact", "sender", "author", "client", "follower"]),
    ("subject", &["title", "betreff", "sujet", "asunto"]),
    ("description", &["body", "message", "content", "beschreibung", "descripción"]),
    ("comment.text", &["comment", "latest_message", "message.text"]),
    ("requester.name", &["name", "customer_name"]),
    ("previous_ticket", &["last_ticket", "requester.last_ticket", "requester.previous_ticket"]),
    ("requester.tickets", &["ticket_count", "requester.ticket_count", "number_of_tickets"]),
    ("requester.unsolved_tickets", &["open_tickets", "requester.open_tickets", "unsolved_tickets"]),
    ("satisfaction", &["csat", "satisfaction_score", "satisfaction_rating", "rating", "zufriedenheit", "satisfacción"]),
    ("requester.satisfaction", &["last_satisfaction", "requester.csat", "requester.last_satisfaction"]),
    ("satisfaction_comment", &["rating_comment", "satisfaction.comment", "csat_comment"]),
    ("requester.note", &["requester.notes", "notes", "requester.details"]),
    ("requester.organisation", &["company", "requester.company", "organization", "organization_id"]),
    ("tags", &["current_tags", "label", "labels", "etiquetas", "étiquettes", "schlagwörter"]),
    (
        "requester.followers",
        &["followers_count", "user.followers_count", "author.followers_count", "public_metrics.followers_count"],
    ),
    ("monday", &["mon", "montag", "lundi", "lunes"]),
    ("tuesday", &["tue", "dienstag", "mardi", "martes"]),
    ("wednesday", &["wed", "mittwoch", "mercredi", "miércoles"]),
    ("thursday", &["thu", "donnerstag", "jeudi", "jueves"]),
    ("friday", &["fri", "freitag", "vendredi", "viernes"]),
    ("saturday", &["sat", "samstag", "sonnabend", "samedi", "sábado"]),
    ("sunday", &["sun", "sonntag", "dimanche", "domingo"]),
    ("created", &["created_at"]),
    ("updated", &["updated_at"]),
    ("solved", &["solved_at"]),
    ("language", &["lang", "locale", "sprache", "langue", "idioma"]),
    ("within business hours", &["in_business_hours", "business_hours"]),
    // Filters of placeholders.
    ("upcase", &["upper", "uppercase"]),
    ("downcase", &["lower", "lowercase"]),
    ("capitalize", &["title", "capitalise"]),
    ("truncate", &["slice", "limit", "truncatewords"]),
    // Units of time.
    ("minutes", &["min", "mins", "m", "minuten", "minutos"]),
    ("hours", &["h", "hr", "hrs", "stunde", "stunden", "heure", "heures", "hora", "horas"]),
    ("days", &["d", "tag", "tage", "jour", "jours", "día", "días"]),
    ("weeks", &["w", "woche", "wochen", "semaine", "semaines", "semana", "semanas"]),
    ("seconds", &["s", "sec", "secs", "sekunden", "secondes", "segundos"]),
];

/// The known word, or words, that other languages write as `word`. Help desks that put `ticket.` before a field mean
/// the field.
pub(super) fn translated<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let rows = WORDS.iter().filter(|(_, elsewhere)| elsewhere.contains(&lower.as_str())).map(|(here, _)| *here);
    let meant: Vec<&str> = rows.chain(lower.strip_prefix("ticket.")).collect();
    known.into_iter().find(|name| meant.contains(name)).filter(|_| !meant.is_empty())
}

/// The digits of a number in letters, up to twelve.
pub(super) fn digits(word: &str) -> Option<&'static str> {
    const NUMBERS: &[(&str, &str)] = &[
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("eleven", "11"),
        ("twelve", "12"),
    ];
    NUMBERS.iter().find(|(letters, _)| word.eq_ignore_ascii_case(letters)).map(|(_, digits)| *digits)
}

/// Whether a word stands for no value in another language.
pub(super) fn is_nothing(word: &str) -> bool {
    const NOTHING: &[&str] = &[
        "",
        "null",
        "nil",
        "none",
        "nobody",
        "undefined",
        "blank",
        "missing",
        "leer",
        "vide",
        "vacío",
        "unoffered",
        "not_offered",
    ];
    NOTHING.iter().any(|nothing| word.eq_ignore_ascii_case(nothing))
}

/// Whether a word stands for any value in another language.
pub(super) fn is_anything(word: &str) -> bool {
    ["exists", "present", "any", "defined", "anything", "somebody"].contains(&word.to_lowercase().as_str())
}

/// Phrases with the help about them. `<field>`, `<text>`, `<number>` and `<value>` stand for what is written there; the
/// help repeats it.
pub(super) type Phrases = &'static [(&'static str, &'static str)];

/// The help about the longest phrase that contains a lexeme. `lexemes` are the text of a part; `index` is the lexeme that
/// was not expected.
pub(super) fn phrase(tables: &[Phrases], lexemes: &[&str], index: usize) -> Option<String> {
    best_phrase(tables, lexemes, index).map(|(_, help)| help)
}

/// As [`phrase`], if it contains the lexeme itself.
pub(super) fn phrase_through(tables: &[Phrases], lexemes: &[&str], index: usize) -> Option<String> {
    best_phrase(tables, lexemes, index).filter(|(is_through, _)| *is_through).map(|(_, help)| help)
}

fn best_phrase(tables: &[Phrases], lexemes: &[&str], index: usize) -> Option<(bool, String)> {
    const MAX_LEXEMES: usize = 8;
    let starts = index.saturating_sub(MAX_LEXEMES)..=index;
    let found = tables.iter().copied().flatten().flat_map(|(pattern, help)| {
        let (words, literals) = (pattern.split(' ').count(), pattern.split(' ').filter(|w| !is_placeholder(w)).count());
        starts.clone().filter_map(move |start| {
            let found = Match::of(pattern, lexemes.get(start..)?)?;
            let end = start + found.length;
            // One that ends before the lexeme is certain enough with two words.
            (end > index || end == index && literals > 1).then(|| ((end > index, words, literals), found.fill(help)))
        })
    });
    found.max_by_key(|(certainty, _)| *certainty).map(|((is_through, ..), help)| (is_through, help))
}

/// Whether a word of a pattern stands for others.
fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && word.starts_with('<') && word.ends_with('>')
}

/// A pattern that matched.
struct Match {
    /// Number of lexemes.
    length: usize,
    /// What the placeholders of the pattern stand for.
    stands_for: Vec<(&'static str, String)>,
}

impl Match {
    /// Matches a pattern with the start of a text.
    fn of(pattern: &'static str, lexemes: &[&str]) -> Option<Self> {
        let mut found = Self { length: 0, stands_for: vec![] };
        for wanted in pattern.split(' ') {
            let rest = lexemes.get(found.length..)?;
            let first = *rest.first()?;
            let length = match wanted {
                "<field>" => field(rest)?,
                "<text>" => usize::from(first.starts_with(is_quote)),
                "<number>" => usize::from(first.starts_with(|c: char| c.is_ascii_digit())),
                "<value>" => usize::from(first.starts_with(|c: char| c.is_alphabetic() || is_quote(c))),
                "isn't" | "doesn't" => {
                    let (word, t) = wanted.split_once('\'')?;
                    if rest.get(..3)? == [word, "'", t] || rest.get(..3)? == [word, "’", t] { 3 } else { 0 }
                }
                word => usize::from(first.eq_ignore_ascii_case(word)),
            };
            if length == 0 {
                return None;
            }
            if is_placeholder(wanted) {
                found.stands_for.push((wanted, rest.get(..length)?.concat()));
            }
            found.length += length;
        }
        Some(found)
    }

    fn fill(&self, help: &str) -> String {
        self.stands_for.iter().fold(help.to_owned(), |help, (name, text)| help.replace(name, text))
    }
}

/// The number of lexemes of the name of a field at the start; `None` if no field has that name.
pub(super) fn field(lexemes: &[&str]) -> Option<usize> {
    let dots = lexemes.iter().skip(1).step_by(2).take_while(|lexeme| **lexeme == ".").count();
    (0..=dots).rev().map(|dots| 2 * dots + 1).find(|length| {
        let name = lexemes.get(..*length).unwrap_or_default().concat();
        known(&name).is_some() || name.strip_prefix("field.").is_some_and(|name| !name.is_empty())
    })
}
