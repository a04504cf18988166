//! The words of texts and of rules.

use std::collections::HashSet;

use crate::random::Random;

/// Number of words.
const MOST: usize = 3_000;

/// Stop words, which no rule searches for; the most frequent first.
const COMMON: &str = "the to and a of is in it my i you for on that have with this not be your me was are we but so can \
    do at if from they just has no all will when what get been there now or still how out up an as would about had \
    one by any why our could more after please them time which then their its did some going again because even \
    really only never back than over other need who here want thank where got know today day days tell us see week \
    make since last every two first like";

/// Words for what people write to a help desk about.
const TOPICS: &str = "refund delivery order payment invoice account password login cancel subscription late missing \
    broken damaged wrong charged twice parcel package shipping tracking courier address return exchange voucher \
    discount code coupon gift card balance credit bank transfer receipt price increase trial upgrade downgrade plan \
    billing statement direct debit fraud scam phishing hacked locked suspended verify verification email phone number \
    update error crash bug freeze slow outage down offline connection internet router signal broadband speed streaming \
    video audio screen battery charger cable warranty repair replacement engineer appointment technician visit \
    installation setup manual download install windows android iphone tablet laptop browser safari firefox cookie \
    train bus flight delay cancelled platform station ticket seat reservation booking luggage baggage airport gate \
    boarding passport visa check-in connection missed compensation claim form complaint manager supervisor rude staff \
    driver waiting queue hours opening closed store shop branch stock available size colour faulty quality cheap \
    expensive promise deadline urgent asap emergency hospital allergy medicine prescription doctor insurance policy \
    renewal quote premium excess accident damage flood fire theft police report solicitor lawyer ombudsman regulator \
    privacy data gdpr delete unsubscribe spam newsletter marketing consent press journalist interview statement love \
    great amazing awesome brilliant happy disgusting terrible awful worst useless joke ridiculous unacceptable \
    disappointed furious angry shocking";

/// Words beyond ASCII, for [`twite::desk::text::fold`].
pub const BEYOND_ASCII: &[&str] = &[
    "Straße",
    "Größe",
    "café",
    "naïve",
    "ÉTÉ",
    "Zürich",
    "garçon",
    "señor",
    "remboursé",
    "Überweisung",
    "ﬁnal",
    "ＷＩＤＥ",
    "łódź",
    "ÅNGSTRÖM",
    "поезд",
    "配送",
    "😡",
];

/// All words, distinct, the most frequent first; rules search for those from [`Words::topics`] on.
#[derive(Debug)]
pub struct Words {
    pub all: Vec<String>,
    /// Index of the first word that rules search for.
    pub topics: usize,
    /// Pairs of words that occur next to each other in texts.
    pub phrases: Vec<String>,
}

impl Words {
    pub fn new() -> Self {
        let mut random = Random::new(0x776f_7264);
        let mut seen = HashSet::new();
        let mut all: Vec<String> = vec![];
        for word in COMMON.split_whitespace() {
            assert!(seen.insert(word.to_owned()), "{word} is common twice");
            all.push(word.to_owned());
        }
        let topics = all.len();
        all.extend(TOPICS.split_whitespace().filter(|word| seen.insert((*word).to_owned())).map(str::to_owned));
        let known = topics..all.len();
        let phrases = (0..400).map(|_| {
            let mut word = || all[known.start + random.below(known.len())].as_str();
            format!("{} {}", word(), word())
        });
        let phrases = phrases.collect::<Vec<_>>();
        while all.len() < MOST {
            let word = made_up(&mut random);
            if seen.insert(word.clone()) {
                all.push(word);
            }
        }
        Self { all, topics, phrases }
    }
}

/// Made-up names of products, places and people: two to four syllables.
fn made_up(random: &mut Random) -> String {
    const ONSETS: &[&str] = &[
        "b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "pr",
        "r", "s", "sh", "st", "str", "t", "th", "tr", "v", "w",
    ];
    const VOWELS: &[&str] = &["a", "e", "i", "o", "u", "ai", "ea", "ee", "io", "oo", "ou"];
    const ENDS: &[&str] = &["", "", "", "n", "r", "s", "t", "l", "m", "nd", "ng", "rt", "ck", "ll", "st"];
    let syllables = random.weighted(&[(2, 5), (3, 4), (4, 1)]);
    (0..syllables).map(|_| [*random.pick(ONSETS), *random.pick(VOWELS), *random.pick(ENDS)].concat()).collect()
}
