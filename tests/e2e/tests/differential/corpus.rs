//! Documents: generated ones, and the films that come with Miroir.

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::vocabulary::{self, Vocabulary, capitalised};

/// Number of documents. Above 3,000 candidates a server counts facets by another algorithm, so both are
/// covered.
pub const WORKS: usize = 3_200;

pub const GENRES: [&str; 14] = [
    "Action",
    "Adventure",
    "Animation",
    "Comedy",
    "Crime",
    "Drama",
    "Fantasy",
    "History",
    "Horror",
    "Mystery",
    "Romance",
    "Science Fiction",
    "Thriller",
    "Western",
];
/// Cities with accents. The engine treats two spellings of some as one value.
pub const CITIES: [&str; 14] = [
    "Zürich",
    "zürich",
    "Århus",
    "Évry",
    "Lima",
    "LIMA",
    "Oslo",
    "Łódź",
    "São Paulo",
    "Paris",
    "Köln",
    "Cork",
    "Nîmes",
    "Quito",
];
pub const COUNTRIES: [&str; 8] =
    ["France", "Japan", "Peru", "Norway", "Poland", "Brazil", "Germany", "Ireland"];

/// A word of no document, with more documents at a distance of two letters than the engine considers: it
/// considers 50 words with two typos, so a node may consider others than one server.
pub const CROWDED: &str = "krovandelmiqq";
const CROWD: usize = 90;
/// Two words written as one, with two splits that are equally frequent in the documents. The engine uses the
/// more frequent split, so a node may use the other one.
pub const SPLITS: [(&str, [&str; 2]); 3] = [
    ("zanorvik", ["zan orvik", "zano rvik"]),
    ("peltumbra", ["pelt umbra", "peltum bra"]),
    ("gostavel", ["gos tavel", "gosta vel"]),
];
/// Frequency of each split.
const SPLIT_COPIES: usize = 12;

/// Returns the films of the demo.
pub fn films() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../../app/data/films.json")).expect("the bundled films are JSON")
}

/// Returns `count` documents with the ids 1 to `count`.
pub fn works(count: usize) -> Vec<Value> {
    let vocabulary = Vocabulary::new();
    let mut random = Random::new(0x5EED_0002);
    let mut works: Vec<Value> = (1..=count).map(|id| work(id, &vocabulary, &mut random)).collect();
    add_words_that_nodes_treat_apart(&mut works);
    works
}

fn add_words_that_nodes_treat_apart(works: &mut [Value]) {
    let letters: Vec<char> = ('a'..='p').collect();
    let stem = CROWDED.trim_end_matches('q');
    for (number, work) in works.iter_mut().skip(900).take(CROWD).enumerate() {
        let (tens, ones) = (letters[number / letters.len()], letters[number % letters.len()]);
        add_to_overview(work, &format!("{stem}{tens}{ones}"));
    }
    for (number, (_, ways)) in SPLITS.iter().enumerate() {
        for (copy, work) in works.iter_mut().skip(100 * (number + 1)).take(2 * SPLIT_COPIES).enumerate() {
            add_to_overview(work, ways[copy % ways.len()]);
        }
    }
}

fn add_to_overview(work: &mut Value, words: &str) {
    let overview = work["overview"].as_str().unwrap_or_default();
    work["overview"] = format!("{overview} {words}").into();
}

/// Turns ids into texts and shuffles the documents, so that servers break ties differently.
pub fn shuffled_with_text_ids(mut documents: Vec<Value>) -> Vec<Value> {
    for document in &mut documents {
        document["id"] = Value::String(format!("w-{}", document["id"]));
    }
    Random::new(0x5EED_0003).shuffle(&mut documents);
    documents
}

fn work(id: usize, vocabulary: &Vocabulary, random: &mut Random) -> Value {
    let (title_words, overview_words) = (random.between(1, 5), random.between(8, 36));
    let mut work = Map::new();
    work.insert("id".to_owned(), id.into());
    work.insert("title".to_owned(), title(vocabulary, random, title_words).into());
    work.insert("overview".to_owned(), vocabulary.sentence(random, overview_words).into());
    work.insert("genres".to_owned(), genres(random));
    work.insert("city".to_owned(), (*random.pick(&CITIES)).into());
    work.insert("available".to_owned(), random.chance(60).into());
    work.insert("votes".to_owned(), (random.zipf(5_000) * 10).into());
    let country = *random.pick(&COUNTRIES);
    // A rare surname, so that most surnames are on some nodes only.
    let surname = capitalised(&vocabulary::rare_word(random));
    let maker = format!("{} {surname}", capitalised(vocabulary.word(random)));
    work.insert("maker".to_owned(), json!({ "name": maker, "country": country }));
    // The fields below are missing, null, or of another type in some documents.
    if random.chance(93) {
        work.insert("year".to_owned(), (1950 + random.below(75)).into());
    }
    match random.below(10) {
        0 => {}
        1 => drop(work.insert("rating".to_owned(), Value::Null)),
        _ => drop(work.insert("rating".to_owned(), tenths(random.between(10, 100)))),
    }
    if random.chance(80) {
        work.insert("series".to_owned(), format!("series {}", random.below(300)).into());
    }
    match random.below(4) {
        0 => drop(work.insert("code".to_owned(), random.below(40).into())),
        1 => drop(work.insert("code".to_owned(), format!("C{}", random.below(40)).into())),
        2 => drop(work.insert("code".to_owned(), "".into())),
        _ => {}
    }
    Value::Object(work)
}

fn title(vocabulary: &Vocabulary, random: &mut Random, words: usize) -> String {
    let words: Vec<String> = (0..words).map(|_| capitalised(vocabulary.word(random))).collect();
    words.join(" ")
}

fn genres(random: &mut Random) -> Value {
    let mut genres: Vec<&str> = Vec::new();
    for _ in 0..random.below(4) {
        let genre = GENRES[random.zipf(GENRES.len())];
        if !genres.contains(&genre) {
            genres.push(genre);
        }
    }
    json!(genres)
}

/// Returns a number with one decimal.
fn tenths(number: usize) -> Value {
    json!(f64::from(u32::try_from(number).expect("a small number")) / 10.0)
}

/// Returns the words of an attribute of a document, without punctuation.
pub fn words(document: &Value, attribute: &str) -> Vec<String> {
    let text = document[attribute].as_str().unwrap_or_default();
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
