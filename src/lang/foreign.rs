//! What other languages and help desks write, and what is written here instead: tables, read by the messages.

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

/// Phrases in conditions.
/// How to ask for the beginning of a tag.
const STARTING: &str = "write `<field> has any starting with …`";

/// What to write instead of a sum in a condition.
const NO_SUMS: &str = "conditions compare values as they are: compare two fields, as in `field.paid < field.owed`";

pub(super) const CONDITIONS: Phrases = &[
    // SQL.
    ("<field> is null", "write `<field> is empty`"),
    ("<field> is not null", "write `<field> is set`"),
    ("<field> like", SEARCH),
    ("<field> ilike", SEARCH),
    ("<field> not like", "write `not <field> contains \"…\"`, without `%`"),
    ("<field> is like", SEARCH),
    ("<field> between", "write `<field> >= 10 and <field> <= 20`, for example"),
    ("<field> not in", "write `<field> not in (…)`"),
    ("<field> has starting with", STARTING),
    ("<field> has any beginning with", STARTING),
    ("<field> has any <value>", "write `<field> has any of (…)`, or `<field> has any starting with <value>`"),
    ("<field> has <value> *", "write `<field> has any starting with <value>`"),
    ("<field> is before", "write `<field> < 2026-12-24`, for example"),
    ("<field> is after", "write `<field> > 2026-12-24`, for example"),
    ("<field> is <field> +", NO_SUMS),
    ("<field> is <field> -", NO_SUMS),
    ("<field> > <field> +", NO_SUMS),
    ("<field> < <field> +", NO_SUMS),
    // Python, Ruby and JavaScript.
    ("<text> in <field>", "write `<field> contains <text>`, or `<field> has …` for tags"),
    ("<text> not in <field>", "write `not <field> contains <text>`, or `not <field> has …` for tags"),
    ("<field> . includes (", "write `<field> contains \"…\"`"),
    ("<field> . include ? (", "write `<field> contains \"…\"`"),
    ("<field> . contains (", "write `<field> contains \"…\"`"),
    ("<field> . startsWith (", "write `<field> starts with \"…\"`"),
    ("<field> . match (", "write `<field> matches \"…\"`"),
    ("<field> . lower (", FOLDED),
    ("<field> . toLowerCase (", FOLDED),
    ("<field> = ~", "write `<field> matches \"…\"`"),
    ("<field> ~", "write `<field> matches \"…\"`"),
    ("matches /", PATTERN),
    ("matches / <value>", PATTERN),
    ("matches / <value> /", PATTERN),
    ("<field> regexp", "write `<field> matches \"…\"`"),
    ("<field> rlike", "write `<field> matches \"…\"`"),
    ("<field> similar to", "write `<field> matches \"…\"`"),
    ("lower (", "texts are compared without regard to case: write the field alone"),
    ("len (", "there are no functions; ask what a text contains, or whether it `is set`"),
    ("length (", "there are no functions; ask what a text contains, or whether it `is set`"),
    ("<field> . length", "there are no functions; ask what a text contains, or whether it `is set`"),
    ("now (", "for an age, write `time since created > 4 days`; for the clock, `time of day >= 18:00`"),
    ("current_date", "for the date, write `date >= 2026-12-24`, for example"),
    ("<field> . test (", "write `<field> matches \"…\"`"),
    ("<field> . indexOf (", "write `<field> contains \"…\"`"),
    ("<field> . endsWith (", "write `<field> ends with \"…\"`"),
    ("<field> . match ? (", "write `<field> matches \"…\"`"),
    ("<field> . blank ?", "write `<field> is empty`"),
    ("<field> . present ?", "write `<field> is set`"),
    ("<field> . empty ?", "write `<field> is empty`"),
    ("exists (", "write `… is set`"),
    ("time_since (", "write `time since created > 2 hours`, for example"),
    ("<number> . days", "write a length of time as `2 days`"),
    ("<number> . hours", "write a length of time as `2 hours`"),
    ("not in", "write `not in` after a field, as in `status not in (open, new)`"),
    ("if <value>", "the condition stands after `when`, without `if`"),
    ("else <number>", OTHERWISE),
    ("unless <value>", "there is no `unless`: write `not (…)`"),
    ("and (", "write `and` between conditions: `… and …`"),
    ("or (", "write `or` between conditions: `… or …`"),
    ("$", "write names without `$`"),
    ("{ {", "placeholders are for texts: write the field alone, as in `status`"),
    // Who acts, who looks.
    ("currentUser (", ME),
    ("current_user (", ME),
    ("by the assignee", "write `assignee is me`: `me` is the agent whose update it is"),
    ("by assignee", "write `assignee is me`: `me` is the agent whose update it is"),
    ("by me", "a rule acts for every agent: `me` is the agent whose update it is, as in `assignee is me`"),
    ("by agent", "write `agent.name is \"…\"`, or `agent.name is set` for any agent"),
    ("by requester", "write `comment.by_requester`"),
    ("by the requester", "write `comment.by_requester`"),
    ("assigned to me", ME),
    ("my tickets", ME),
    ("my group", "write `group in my groups`"),
    ("my groups", "write `group in my groups`"),
    // English.
    ("<field> exists", "write `<field> is set`"),
    ("<field> does not exist", "write `<field> is empty`"),
    ("<field> does not contain", "write `not <field> contains …`"),
    ("<field> doesn't contain", "write `not <field> contains …`"),
    ("<field> not contains", "write `not <field> contains …`"),
    ("<field> contains not", "write `not <field> contains …`"),
    ("<field> does not equal", "write `<field> is not …`"),
    ("<field> does not", "write `not <field> …`"),
    ("<field> isn't", "write `<field> is not …`"),
    ("<field> isnt", "write `<field> is not …`"),
    ("<field> is anything but", "write `<field> is not …`"),
    ("<field> does not have", "write `not <field> has …`"),
    ("<field> not has", "write `not <field> has …`"),
    ("<field> has not <value>", "write `not <field> has <value>`"),
    ("<field> has no <value>", "write `not <field> has <value>`"),
    ("<field> has none (", "write `<field> has none of (…)`"),
    ("<field> has *", "write each tag; for any tag, write `<field> is set`"),
    ("<field> excludes", "write `not <field> has …`"),
    ("<field> equal to", "write `<field> is …`"),
    ("<field> not <value>", "write `<field> is not <value>`"),
    ("<field> is either", "write `<field> in (…, …)`"),
    ("<field> is either <value>", "write `<field> in (…, …)`"),
    ("<field> is one of", "write `<field> in (…, …)`"),
    ("<field> is any of", "write `<field> in (…, …)`"),
    ("contains one of", "write `contains any of (…)`"),
    ("contains either", "write `contains any of (…)`"),
    ("contains either <text>", "write `contains any of (…)`"),
    ("outside business hours", "write `not within business hours`"),
    ("outside of business hours", "write `not within business hours`"),
    ("outside <text> hours", "write `not within <text> hours`"),
    ("<field> is in <value>", "write `<field> in <value>`"),
    ("<field> is not in <value>", "write `<field> not in <value>`"),
    ("<field> was <value>", "write `<field> changed from <value>`"),
    ("<field> was not <value>", "write `<field> changed and not <field> changed from <value>`"),
    ("contains any word", "write `contains word any of …`"),
    ("contains any of word", "write `contains word any of …`"),
    ("contains <text> , <field>", "join conditions with `and` or `or`: write `and <field>`"),
    ("requester commented", BY_REQUESTER),
    ("requester replied", BY_REQUESTER),
    ("requester wrote", BY_REQUESTER),
    ("agent replied", "write `comment.by_agent and comment.public`"),
    ("no reply", "write `replies is 0`; for how long, add `and time since created >= 2 hours`"),
    ("<number> hours after <field>", "write `time since <field> >= <number> hours`"),
    ("<number> days after <field>", "write `time since <field> >= <number> days`"),
    ("<number> minutes after <field>", "write `time since <field> >= <number> minutes`"),
    ("breach in <number>", "write `time until breach < 30 minutes`, for example"),
    ("<field> not ends", "write `not <field> ends with \"…\"`"),
    ("<field> not starts", "write `not <field> starts with \"…\"`"),
    ("<field> does not end", "write `not <field> ends with \"…\"`"),
    ("<field> does not start", "write `not <field> starts with \"…\"`"),
    ("<field> doesn't end", "write `not <field> ends with \"…\"`"),
    ("<field> doesn't start", "write `not <field> starts with \"…\"`"),
    ("<field> doesn't", "write `not <field> …`"),
    ("<field> end with", "write `<field> ends with …`"),
    ("<field> start with", "write `<field> starts with …`"),
    ("<field> endswith", "write `<field> ends with …`"),
    ("<field> startswith", "write `<field> starts with …`"),
    ("ends with any <text>", "write `ends with any of (…)`"),
    ("starts with any <text>", "write `starts with any of (…)`"),
    ("contains any <text>", "write `contains any of (…)`"),
    ("any of <text> ,", "write lists in parentheses: `any of (\"a\", \"b\")`"),
    ("requester has tag", "write `requester.tags has …`"),
    ("requester has tags", "write `requester.tags has …`"),
    ("first time", "write `requester.tickets is 1`"),
    ("last ticket", "write `time since previous_ticket < 7 days`, for example"),
    ("sla breached", BREACHED),
    ("breached", BREACHED),
    ("time to <field>", "write `time until <field> < 2 hours`, for example"),
    ("<field> begins with", "write `<field> starts with …`"),
    ("contains <text> ,", "write `contains any of (…)` for several texts"),
    ("<field> has any (", "write `<field> has any of (…)`"),
    ("<field> has all (", "write `<field> has all of (…)`"),
    ("<field> changed <value>", "write `<field> changed to <value>`"),
    ("<field> greater than", "write `<field> > …`"),
    ("<field> less than", "write `<field> < …`"),
    ("<field> is greater than", "write `<field> > …`"),
    ("<field> is more than", "write `<field> > …`"),
    ("<field> is less than", "write `<field> < …`"),
    ("<field> at least", "write `<field> >= …`"),
    ("<field> at most", "write `<field> <= …`"),
    ("<number> < <field> <", "comparisons do not chain: write `<field> > <number> and <field> < …`"),
    ("<number> < = <field> <", "comparisons do not chain: write `<field> >= <number> and <field> < …`"),
    ("<number> <", "comparisons do not chain: join two conditions with `and`"),
    ("> >", "write `>`"),
    ("< <", "write `<`"),
    ("all of", "join conditions with `and`"),
    ("any of", "join conditions with `or`"),
    ("contains all of", "`all of` is for tags; for texts, write `subject contains \"a\" and subject contains \"b\"`"),
    ("contains none of", "`none of` is for tags; for texts, write `not subject contains any of (\"a\", \"b\")`"),
    ("matches any of", "write `any of` after `has`, `contains`, `contains word` or `starts with`"),
    ("held <text>", "write `held back <text>`"),
    ("not held back", "write `fired \"…\"`, or `not fired \"…\"` if its condition is false"),
    ("since status changed", "write `time since status_changed`"),
    ("time new", "write `time in status new > 4 hours`"),
    ("time open", "write `time in status open > 4 hours`"),
    ("time pending", "write `time in status pending > 4 hours`"),
    ("time on hold", "write `time in status hold > 4 hours`"),
    ("time spent in <value>", "write `time in status <value> > 4 hours`"),
    ("total time in", "write `time in status open > 4 hours`, which adds up all the time in that status"),
    ("total time <value>", "write `time in status <value> > 4 hours`, which adds up all the time in that status"),
    ("hours in <value> <", "write `time in status <value> < 4 hours`"),
    ("hours in <value> >", "write `time in status <value> > 4 hours`"),
    ("days in <value> >", "write `time in status <value> > 4 days`"),
    ("within hours", "write `within business hours`"),
    ("within <value> <value> hours", "write a name of several words in double quotes: `within \"…\" hours`"),
    ("business hours", "write `within business hours`"),
    ("<field> ∈", "write `<field> in (…)`"),
    // Numbers and lists.
    ("<number> , <number>", "group digits with `_`, as in `10_000`; write lists in parentheses"),
    ("<number> ' <number>", "group digits with `_`, as in `10_000`"),
    ("<number> <number>", "group digits with `_`, as in `10_000`"),
    ("<number> million", "write the digits, grouped with `_`: `1_000_000`"),
    ("<number> thousand", "write the digits, grouped with `_`: `1_000`"),
    (
        "<number> . . <number>",
        "write both ends: `requester.followers >= 10 and requester.followers <= 100`, for example",
    ),
    ("<number> . .", "write both ends: `requester.followers >= 10 and requester.followers <= 100`, for example"),
    ("<number> %", "write a number without `%`"),
    ("<number> / <number>", "write a date as `2026-12-24`; write lists in parentheses: `in (a, b)`"),
    ("<number> am", "write a time of day as `18:00`"),
    ("<number> pm", "write a time of day as `18:00`"),
    ("<number> : <number>", "write a time of day with its field: `time of day < 17:00`, for example"),
    ("time of day is <number> : <number> to", BETWEEN_TIMES),
    ("time of day between", BETWEEN_TIMES),
    ("in {", "write lists in parentheses: `(a, b)`"),
    ("<value> / <value>", "write lists in parentheses: `in (a, b)`"),
    ("@", "write a handle without `@`"),
    ("is {", "write values without braces"),
    ("<value> {", "write actions after `then`, without braces"),
    ("do", "write actions after `then`"),
    ("<value> , and <field>", "delete the `,` before `and`"),
    ("<value> , or <field>", "delete the `,` before `or`"),
    ("( <text> ,", "for a list, write `list NAME = (…)`, and ask for its values: `requester.handle in NAME`"),
    ("<value> , <field>", "join conditions with `and` or `or`: write `and <field>`"),
    (", <number>", "write each time of an sla on its own line: `first reply within 4 hours otherwise`, for example"),
    (",", "write lists in parentheses: `in (a, b)`, or `has any of (a, b)` for tags"),
];

/// Phrases about a share of tickets.
pub(super) const SAMPLES: Phrases = &[
    ("in a sample", SAMPLE),
    ("ticket in sample", SAMPLE_ALONE),
    ("ticket in sample <text>", SAMPLE_ALONE),
    ("<field> in sample", SAMPLE_ALONE),
    ("<field> in sample <text>", SAMPLE_ALONE),
    ("sample <number>", SAMPLE),
    ("in sample <value> of", "write the name in double quotes, as in `in sample \"survey\" of 10 percent`"),
    (
        "in sample <text> of <number> percent is",
        "it is a condition by itself: write `in sample <text> of <number> percent`, or `not in sample …`",
    ),
    ("in sample <text> of <number> %", "write `in sample <text> of <number> percent`"),
    ("in sample <text> of", "write a whole number from 1 to 99, as in `in sample <text> of 10 percent`"),
    ("in sample <text>", "write the share too, as in `in sample <text> of 10 percent`"),
    ("in sample of", "give the sample a name, as in `in sample \"survey\" of 10 percent`"),
    ("sample", SAMPLE),
    ("sample <number> %", SAMPLE),
    ("rand (", SAMPLE),
    ("random (", SAMPLE),
    ("in <number> percent", SAMPLE),
    ("<number> percent of", SAMPLE),
    ("<number> % of", SAMPLE),
    ("<field> %", SAMPLE),
];

/// Phrases in what a test expects, besides those in conditions.
pub(super) const EXPECTATIONS: Phrases = &[
    ("reply <text>", "write `reply contains <text>`"),
    ("not like", "write `no like the post`"),
    ("not block", "write `no block requester`"),
    ("not mute", "write `no mute requester`"),
    ("ask for satisfaction", "a question is a reply: write `expect reply`"),
    ("note <text>", "write `note contains <text>`"),
    ("notify <text>", "write `notify contains <text>`"),
    ("remind <text>", "write `remind contains <text>`"),
    ("assign <text>", "write `assign contains <text>`"),
    ("merge <text>", "write `merge contains <text>`"),
    ("fired <text> twice", "write `fired <text> 2 times`"),
    (
        "not fired <text> <number>",
        "write `not fired <text>`, or `fired <text> 3 times` with the number that is expected",
    ),
    ("fired <text> at", "the number is exact: write `fired <text> 2 times`, for example"),
    ("fired <text> at least <number>", "the number is exact: write `fired <text> <number> times`"),
    ("fired <text> at most <number>", "the number is exact: write `fired <text> <number> times`"),
    ("fired once", "write `fired \"…\" once`"),
    ("fired <number> times", "write `fired \"…\" <number> times`"),
    ("fired <text> exactly", "the number is exact by itself: write `fired <text> 3 times`"),
    ("<text> and", "write a second `expect`"),
    ("fired and", "write a second `expect`"),
    ("fired ,", "write a second `expect`"),
    ("<text> ,", "write a second `expect`"),
];

/// Phrases in what a test takes as given.
pub(super) const GIVENS: Phrases = &[
    (
        "given ticket in sample",
        "write it without `ticket`, on a line of its own: `given in sample \"survey\" of 10 percent`",
    ),
    ("in sample", "write it on a line of its own: `given in sample \"survey\" of 10 percent`"),
    ("given requester", "what is known of the requester is among the facts: `given ticket { requester.tags vip }`"),
    ("given the", "write `given ticket { … }`"),
    ("given a", "write `given ticket { … }`"),
    ("given <field>", "write facts in braces: `given ticket { <field> … }`"),
];

/// Phrases in the events of a trigger.
pub(super) const EVENTS: Phrases = &[
    ("on solved", "write `on updated`, and `status changed to solved` after `when`"),
    ("on closed", "write `on updated`, and `status changed to closed` after `when`"),
    ("on reopened", "write `on updated`, and `status changed from solved` after `when`"),
    ("on assigned", "write `on updated`, and `assignee changed` after `when`"),
    ("on comment", ON_COMMENT),
    ("on reply", ON_COMMENT),
    ("on message", ON_COMMENT),
];

/// Phrases in what happens in a test.
pub(super) const HAPPENINGS: Phrases = &[
    ("when solved", "write `when updated { status solved }`"),
    ("when closed", "write `when updated { status closed }`"),
    ("when assigned", "write `when updated { assignee \"…\" }`"),
    ("when reply", "write `when updated { comment by agent \"…\" }`"),
    ("when message", "write `when comment \"…\"`"),
    ("when tomorrow", "write `when 1 day passes`"),
    ("when later", "write `when 2 hours pass`"),
    ("when apply", "write `when macro \"…\"`"),
];

/// Phrases in the days of a report.
pub(super) const PERIODS: Phrases = &[
    (
        "over this <value>",
        "a report counts back from now: write `over last 7 days`, or both days: `over 2026-12-01 to 2026-12-31`",
    ),
    ("over the", "write `over last 7 days`"),
    ("over past", "write `over last 7 days`"),
    ("over today", "write `over last 1 day`"),
];

/// Phrases in caps.
pub(super) const CAPS: Phrases = &[
    ("one time", "write `at most once`"),
    ("<number> time", "write `<number> times`"),
    ("at most per", "write how often: `at most once per …`"),
];

/// Phrases in `every`.
pub(super) const EVERIES: Phrases = &[
    ("<number> time", "write `at most 5 times`, with a number from 2"),
    ("while holds", "write `every 4 hours while it holds`"),
    ("at most once", "the least is `at most 2 times`: without `every`, the automation fires once"),
    (
        "times per",
        "this limit is for as long as the condition holds; a cap is a clause of its own: `at most 5 times per ticket per day`",
    ),
    (", <number>", EVERY_EXAMPLE),
    ("at most", EVERY_EXAMPLE),
    (
        "every <value> at",
        "an automation fires when its condition comes to hold: write `weekday is monday and time of day >= 09:00`",
    ),
    ("until", "it ends when the condition after `when` no longer holds: write `every 4 hours while it holds`"),
    ("while <value>", "the condition stands after `when`: write `every 4 hours while it holds`"),
    ("for <number>", "write how often at most: `every 4 hours while it holds, at most 5 times`"),
];

/// Phrases in the times of an sla.
pub(super) const TARGETS: Phrases = &[
    ("else", OTHERWISE),
    ("otherwise <number>", OTHERWISE),
    ("otherwise", OTHERWISE),
    ("unless", "write `if not (…)` behind the time"),
    ("then", "an sla does nothing by itself: write an automation with `when time until breach < 30 minutes`"),
    ("and", "write each time on a line of its own"),
    (", <number>", "write each time on a line of its own: `first reply within 4 hours otherwise`, for example"),
    ("solve in", "write `solve within 2 days`, for example"),
    ("pause when", "write `pause while status is pending`, for example"),
    ("pause if", "write `pause while status is pending`, for example"),
];

/// Phrases in what a report measures.
pub(super) const MEASURES: Phrases = &[
    ("first_reply in", "write `first reply in time`"),
    ("next_reply in", "write `first reply in time`, or `solve in time`"),
    ("first reply time", "write `average first_reply`, or `first reply in time` for the share that kept its sla"),
    ("solved in", "write `solve in time`"),
    ("resolved in", "write `solve in time`"),
];

/// Phrases in actions.
/// How to count.
const COUNT: &str = "to count, write `set <field> to <field> + 1`";

pub(super) const ACTIONS: Phrases = &[
    ("add tags <value> and", "separate tags by `,`, and write each action on its own line"),
    ("add tags :", "delete the `:`"),
    ("add the tag", "write `add tags …`"),
    ("add a tag", "write `add tags …`"),
    ("remove all", "write `clear tags`"),
    ("remove tags *", "to remove all tags, write `clear tags`"),
    ("clear tags <value>", "to remove some tags, write `remove tags <value>`"),
    ("<value> , <field> =", "write each field on its own line, with its own `set`"),
    ("set <field> to <value> and", "write each field on its own line, with its own `set`"),
    ("assign to group <text> and", "write a second `assign to …` on its own line"),
    ("add tags to", "write `add tags …`, or `set tags to …` to replace them"),
    ("add tags [", "write tags without brackets: `add tags a, b`"),
    ("add <value>", "to add tags, write `add tags <value>`"),
    ("add <number> to <field>", "write `set <field> to <field> + <number>`"),
    (
        "add <value> to <field>",
        "write `add <field> <value>` for a field of several choices, and `add tags <value>` for tags",
    ),
    ("set <field> + =", COUNT),
    ("set <field> to <field> *", "numbers are not multiplied; write `+` or `-` and a number"),
    ("set <field> to match of", "write `set <field> to the match of \"…(…)…\" in description`"),
    ("add tag <field> <value>", "write `add <field> <value>`"),
    ("add tags <field> <value>", "write `add <field> <value>`"),
    ("add tags requester <value>", "write `add requester tags <value>`"),
    ("add tags to requester", ABOUT_REQUESTER),
    ("add tags <value> to requester", ABOUT_REQUESTER),
    ("add tag <value> to requester", ABOUT_REQUESTER),
    ("add tags <value> to", "write `add tags <value>`"),
    ("add tag <value> to", "write `add tags <value>`"),
    ("add <value> to requester", "write `add requester tags <value>`"),
    ("add requester note", "write `set requester.note to \"…\"`"),
    ("add internal note", "write `note \"…\"`"),
    ("add private note", "write `note \"…\"`"),
    ("add note", "write `note \"…\"`"),
    ("add comment", "write `reply \"…\"` for the requester, or `note \"…\"` for agents"),
    ("assign <text>", "write `assign to group <text>`, or `assign to agent <text>`"),
    ("assign to team <text>", "write `assign to group <text>`"),
    ("assign to my group", "a ticket has one group: write `assign to group \"…\"`"),
    ("assign to <value> agent", "write `next agent of group` or `least busy agent of group`"),
    ("next agent <text>", "write `next agent of group <text>`"),
    ("busy agent <text>", "write `least busy agent of group <text>`"),
    ("notify <text>", "write `notify group <text> { … }`, or `notify agent <text> { … }`"),
    ("hide <value>", "write `hide the post`"),
    ("like <value>", "write `like the post`"),
    ("like the <value>", "write `like the post`"),
    ("mute <value>", "write `mute requester`"),
    ("mute the requester", "write `mute requester`"),
    ("block <value>", "write `block requester`"),
    ("block the requester", "write `block requester`"),
    ("unblock <value>", "write `unblock requester`"),
    ("unmute <value>", "write `unmute requester`"),
    ("assign to previous agent", LAST_AGENT),
    ("assign to same agent", LAST_AGENT),
    ("assign to available agent", AVAILABLE),
    ("assign to random agent", "write `next agent of group`: each has a turn"),
    ("last agent", LAST_AGENT),
    ("last agent of requester", LAST_AGENT),
    ("last agent of group", LAST_AGENT),
    ("last assignee", LAST_AGENT),
    ("previous assignee", LAST_AGENT),
    ("the last agent", LAST_AGENT),
    ("of requester in", "write `within 30 days`"),
    ("within <number> or", "write a duration, as in `within 30 days`"),
    ("of requester else", LAST_AGENT),
    ("of requester ,", LAST_AGENT),
    ("of requester or group", LAST_AGENT),
    ("of requester or agent", LAST_AGENT),
    ("<text> or last", LAST_AGENT),
    ("to group <text> with", "write `assign to next agent of group <text> with under 20 unsolved tickets`"),
    ("group <text> under", UNDER),
    ("group <text> if", UNDER),
    ("with less", UNDER),
    ("with fewer", UNDER),
    ("with at", UNDER),
    ("with max", UNDER),
    ("with under <number> tickets", UNDER),
    ("with under <number> open", UNDER),
    ("next available", AVAILABLE),
    ("agent of group <text> who", AVAILABLE),
    ("round robin", "write `assign to next agent of group \"…\"`"),
    ("snooze until", "write how long: `snooze for 2 days`"),
    ("stop <value>", "write `stop` alone"),
    ("webhook <value>", "write the name of a webhook of `twite.toml` in double quotes: `webhook \"<value>\"`"),
    ("reply <value>", TEXT),
    ("note <value>", TEXT),
    ("reply (", TEXT),
    ("note (", TEXT),
    ("+", "to put a value into a text, write a placeholder: `\"… {{ticket.id}}\"`"),
];

/// Phrases at the start of the recipients of a notification.
pub(super) const RECIPIENTS_START: Phrases = &[("<text>", "write `group <text>`, `agent <text>` or `address <text>`")];

/// Phrases in recipients of notifications.
pub(super) const RECIPIENTS: Phrases = &[
    ("agents of ticket", "write `agents of group of ticket`"),
    ("group of", OWN_GROUP),
    ("group ,", OWN_GROUP),
    ("group in <number>", OWN_GROUP),
    ("the group", OWN_GROUP),
    ("ticket group", OWN_GROUP),
    ("ticket . group", OWN_GROUP),
    ("assigned group", OWN_GROUP),
    ("current group", OWN_GROUP),
    ("my group", OWN_GROUP),
    ("my groups", OWN_GROUP),
    ("all", AGENTS_OF),
    ("all agents", AGENTS_OF),
    ("members", AGENTS_OF),
    ("everyone", AGENTS_OF),
    ("everybody", AGENTS_OF),
    ("email", "write `address \"name@example.com\"`, or `requester`"),
    ("email <text>", "write `address <text>`"),
    ("mail <text>", "write `address <text>`"),
    ("to <text>", "write `address <text>`"),
    ("cc <text>", "write `address <text>`; each address gets a mail of its own"),
    ("bcc <text>", "write `address <text>`; each address gets a mail of its own"),
    ("address <value> @", "write the address in double quotes: `address \"name@example.com\"`"),
    ("old assignee", "write `previous assignee`"),
    ("former assignee", "write `previous assignee`"),
    ("last assignee", "write `previous assignee`"),
    ("old agent", "write `previous assignee`"),
    ("previous agent", "write `previous assignee`"),
    ("last agent", "write `previous assignee`"),
    ("customer", "write `requester`"),
    ("user", "write `requester`"),
    ("author", "write `requester`"),
    ("owner", "write `assignee`"),
    ("<text> and", COMMA),
    ("ticket and", COMMA),
    ("assignee and", COMMA),
    ("requester and", COMMA),
    ("<text> or", COMMA),
    ("assignee or", COMMA),
    ("(", "write recipients without parentheses: `assignee, requester`"),
    ("[", "write recipients without brackets: `assignee, requester`"),
];

/// Phrases anywhere.
pub(super) const ANYWHERE: Phrases = &[
    ("unless", "there is no `unless`: write `when not (…)`"),
    ("elif", ELSE),
    ("elsif", ELSE),
    ("else", ELSE),
    ("on ticket", "write `on created`, `on updated` or both: `on created, updated`"),
    ("order by", "to sort rows, write `sort by`"),
    ("me {", "`me` acts, and knows: write `notify assignee { … }`, or `notify agent \"…\" { … }`"),
    ("by agent <text> <text>", "write `when updated by agent \"…\" { comment \"…\" }`"),
    ("last <number>", "to choose the days of a report, write `over last 30 days`"),
    ("[", "write lists in parentheses: `(a, b)`"),
    ("/ /", COMMENT),
    ("/ *", COMMENT),
    ("- -", COMMENT),
];

/// Phrases at the start of an item, a clause or an action.
pub(super) const STARTS: Phrases = &[
    ("/ /", COMMENT),
    ("/ *", COMMENT),
    ("- -", COMMENT),
    ("-", "write each part on its own line, without `-`"),
    ("*", "write each part on its own line, without `*`"),
    ("<number> .", "write each part on its own line, without a number"),
    (":", "delete the `:`"),
    ("{", "write the parts without these braces"),
    ("<text> :", JSON),
    ("{ <text> :", JSON),
    ("=", "formulas of spreadsheets are written as `trigger \"…\" { when … then … }`"),
    ("for", LOOP),
    ("foreach", LOOP),
    ("while", LOOP),
    ("goto", "triggers are tried from first to last; `stop` ends the run"),
    ("mark", "write what it means here, as in `add tags spam` or `set priority to low`"),
    ("increment", "to count, write `set field.NAME to field.NAME + 1`"),
    ("<field> + =", COUNT),
    ("<field> + +", COUNT),
    ("increase", "write the new value, as in `set priority to high`"),
    ("raise", "write the new value, as in `set priority to high`"),
    ("round", "write `assign to next agent of group \"…\"`"),
    ("ticket .", "to set a field, write `set … to …`, without `ticket.`"),
    ("ticket {", "write `given ticket { … }`"),
    ("print", "write `note \"…\"` for agents, or `reply \"…\"` for the requester"),
    ("from", "a view lists tickets: write its conditions after `where`"),
    ("function", "there are no functions: name a condition by `let NAME = …`, or write a `trigger`"),
    ("close", "to close a ticket, write `set status to closed`"),
    ("solve", "to solve a ticket, write `set status to solved`"),
    ("first response", "write `first reply within 1 hour`, for example"),
    ("reply within", "write `first reply within 1 hour` or `next reply within 1 hour`, for example"),
    ("respond within", "write `first reply within 1 hour` or `next reply within 1 hour`, for example"),
    ("answer within", "write `first reply within 1 hour` or `next reply within 1 hour`, for example"),
    ("response", "write `first reply within 1 hour` or `next reply within 1 hour`, for example"),
    ("resolve", "write `solve within 2 days`, for example"),
    ("resolution", "write `solve within 2 days`, for example"),
    ("target", "write the time itself: `first reply within 1 hour`, for example"),
    ("business hours", "write it in the time: `first reply within 4 business hours`, for example"),
    ("reopen", "to reopen a ticket, write `set status to open`"),
    ("escalate", "write what it means here, as in `set priority to urgent` or `assign to group \"…\"`"),
    ("unlike", "rules do not take a like back"),
    ("unhide", "rules do not show again what was hidden"),
    ("follow", "rules follow nobody; they can `like the post`, `mute requester` or `block requester`"),
    ("retweet", "rules do not repost; they can `like the post`"),
    ("repost", "rules do not repost; they can `like the post`"),
    ("delete the", "only its author can delete a post; to hide an answer, write `hide the post`"),
    ("unassign", "write `clear assignee`"),
    ("send", "to send an email, write `notify group \"…\" { … }`; to answer the requester, `reply \"…\"`"),
    ("comment", "write `reply \"…\"` for the requester, or `note \"…\"` for agents"),
    ("run triggers", "only an automation runs triggers: write `runs triggers` before its `then`"),
    ("do", "write actions after `then`"),
    ("and", "write each action on its own line, without `and`"),
    ("if", "write the condition after `when`"),
    ("unless", "there is no `unless`: write `when not (…)`"),
    ("elif", ELSE),
    ("elsif", ELSE),
    ("else", ELSE),
    ("once", CAP),
    ("only", CAP),
    ("only once", CAP),
    ("max", CAP),
    ("maximum", CAP),
    ("no more than", CAP),
    ("cooldown", CAP),
    ("throttle", CAP),
    ("rate_limit", CAP),
    ("limit to", CAP),
    ("no more", CAP),
    ("not more than", CAP),
    ("limit <number> per", CAP),
    ("limit <number> times", CAP),
    ("limit", "there is no `limit`: a view shows all its tickets, a page at a time"),
    ("every", EVERY),
    ("repeat", EVERY),
    ("again", EVERY),
    ("daily", EVERY),
    ("hourly", EVERY),
    ("weekly", EVERY),
    ("count", "write `measure count`"),
    ("created", "write `on created`"),
    ("updated", "write `on updated`"),
    ("select", "write a view: `view \"…\" { where … columns … }`"),
    ("include", ALL_FILES),
    ("import", ALL_FILES),
];

pub(super) const LAST_AGENT: &str =
    "write `assign to last agent of requester or next agent of group \"…\"`: the rest is for who had no agent yet";
pub(super) const UNDER: &str = "write `with under 20 unsolved tickets`: unsolved is every status before solved";
const AVAILABLE: &str = "write `next agent of group` or `least busy agent of group`: who is away is passed over";
const COMMA: &str = "separate recipients by `,`; all of them are told";
pub(super) const OWN_GROUP: &str = "write `group of ticket`, or the name of a group: `group \"…\"`";
const AGENTS_OF: &str = "write `agents of group \"…\"`, or `agents of group of ticket`";
const ME: &str = "write `assignee is me`";
const CAP: &str = "to limit how often a rule fires, write `at most once per requester per 30 days`, for example";
const ABOUT_REQUESTER: &str = "for a tag of the person, write `add requester tags vip`";
const BY_REQUESTER: &str = "write `comment.by_requester`";
const ON_COMMENT: &str = "write `on updated`, and `comment.by_requester` after `when`";
const BETWEEN_TIMES: &str = "write both ends: `time of day >= 09:00 and time of day < 17:00`; for a night, `time of day >= 22:00 or time of day < 06:00`";
const BREACHED: &str =
    "write `breach is set and time since breach > 0 minutes` for what is late, or `time until breach < 2 hours`";
const EVERY_EXAMPLE: &str = "write the parts in this order: `every 4 hours while it holds, at most 5 times`";
const OTHERWISE: &str = "write it behind the time: `first reply within 2 days otherwise`";
const SAMPLE_ALONE: &str = "it is about the ticket by itself: write `in sample \"survey\" of 10 percent`";
const LOOP: &str = "there are no loops: each rule is about one ticket, and is tried on every ticket";
const PATTERN: &str = "write the pattern in double quotes: `matches \"…\"`";
pub(super) const SAMPLE: &str =
    "for a share of all tickets, write `in sample \"survey\" of 10 percent`, with a name of your choice";
const EVERY: &str = "automations run every minute by themselves; one that fires again has `every 4 hours while it holds, at most 5 times` after its `when`";
const JSON: &str = "write `trigger \"…\" { … }`: rules are not written in YAML or JSON";
const ALL_FILES: &str = "all `.twite` files of the directory are read together; no file needs to name another";
const FOLDED: &str = "texts are compared without regard to case: write `<field>` alone";
const SEARCH: &str = "to search a text, use `contains`, `starts with` or `matches`";
const ELSE: &str = "there is no `else`; write a second trigger with the opposite condition";
const TEXT: &str = "write one text in double quotes: `reply \"…\"` or `note \"…\"`";
pub(super) const COMMENT: &str = "comments start with `#`";

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
