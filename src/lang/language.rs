//! Codes of languages.

/// The codes of ISO 639-1, and longer ones of languages that have none there, as language fields have them.
const CODES: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et \
    eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk \
    kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nd ne ng nl nn no nr nv ny oc \
    oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tn \
    to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ast ceb ckb fil gsw haw hmn nds sco wuu yue";

/// Codes of languages, with their names and with the country codes that are written for them.
const NAMES: &[(&str, &[&str])] = &[
    ("ar", &["arabic", "arabisch", "arabe", "árabe"]),
    ("bg", &["bulgarian", "bulgarisch"]),
    ("ca", &["catalan", "català"]),
    ("cs", &["czech", "tschechisch", "čeština", "cz"]),
    ("da", &["danish", "dänisch", "dansk", "dk"]),
    ("de", &["german", "deutsch", "allemand", "alemán"]),
    ("el", &["greek", "griechisch", "gr"]),
    ("en", &["english", "englisch", "anglais", "inglés", "gb", "us"]),
    ("es", &["spanish", "spanisch", "español", "espagnol", "castellano"]),
    ("fa", &["persian", "farsi"]),
    ("fi", &["finnish", "finnisch", "suomi"]),
    ("fr", &["french", "französisch", "français", "francés"]),
    ("he", &["hebrew", "hebräisch"]),
    ("hi", &["hindi"]),
    ("hu", &["hungarian", "ungarisch", "magyar"]),
    ("id", &["indonesian", "indonesisch"]),
    ("it", &["italian", "italienisch", "italiano", "italien"]),
    ("ja", &["japanese", "japanisch", "japonais", "japonés", "jp"]),
    ("ko", &["korean", "koreanisch"]),
    ("nl", &["dutch", "niederländisch", "nederlands", "néerlandais"]),
    ("no", &["norwegian", "norwegisch", "norsk", "nb"]),
    ("pl", &["polish", "polnisch", "polski"]),
    ("pt", &["portuguese", "portugiesisch", "português", "portugais"]),
    ("ro", &["romanian", "rumänisch"]),
    ("ru", &["russian", "russisch", "russe", "ruso"]),
    ("sv", &["swedish", "schwedisch", "svenska"]),
    ("th", &["thai"]),
    ("tr", &["turkish", "türkisch", "türkçe"]),
    ("uk", &["ukrainian", "ukrainisch", "ua"]),
    ("ur", &["urdu"]),
    ("vi", &["vietnamese", "vietnamesisch"]),
    ("zh", &["chinese", "chinesisch", "chinois", "chino", "cn"]),
];

/// Whether this is the code of a language, as language fields have it.
pub(super) fn is_code(text: &str) -> bool {
    CODES.split(' ').any(|code| code == text)
}

/// The code of the language with this name, in lowercase.
pub(super) fn named(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::normalize::language;

    #[test]
    fn codes_are_as_fields_have_them() {
        for code in CODES.split(' ').chain(NAMES.iter().map(|(code, _)| *code)) {
            assert_eq!(language(code), code);
            assert!(is_code(code) && named(code).is_none(), "{code}");
        }
    }
}
