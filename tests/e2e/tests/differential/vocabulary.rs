//! Words of documents and queries.

use crate::random::Random;

/// Number of words: the common ones, then rare ones of syllables.
const WORDS: usize = 1_400;

/// Common words, the most frequent first. Some differ by a letter, some have a common prefix, some have
/// accents.
const COMMON: &str = "the of a and in to with his her their for on from by who two young old love \
    family story life man woman night city house war world day son daughter father mother brother sister \
    friend secret road river island garden winter summer king queen knight train captain doctor teacher \
    letter letters window door dream dreams shadow stone storm mountain sea ocean ship shop sheep forest \
    village school hotel theatre theater museum library bridge castle station desert border harbour harbor \
    killer painter singer dancer writer lawyer soldier stranger neighbour farmer sailor hunter thief \
    murder robbery wedding funeral journey escape return revenge promise silence justice memory fortune \
    star stars start starting stare space planet moon sun light lightning night-time fire water earth \
    ghost monster dragon robot machine computer telephone telegram photograph photography photographer \
    café fiancée naïve façade cliché señor mañana fjord smörgås château déjà élan über straße \
    black white red green blue golden silver broken hidden forgotten lost last first final endless \
    small great quiet loud strange famous lonely brave cruel gentle honest clever jealous nervous \
    finds loses meets follows leaves returns discovers remembers forgets steals saves betrays marries \
    searches builds destroys travels fights learns hides believes dies lives falls rises begins ends";

const ONSETS: [&str; 16] =
    ["b", "br", "d", "dr", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v"];
const NUCLEI: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ea", "ou"];
const CODAS: [&str; 8] = ["", "", "n", "r", "l", "s", "nd", "m"];

/// All words, the most frequent first.
pub struct Vocabulary(Vec<String>);

impl Vocabulary {
    /// Creates the vocabulary, the same in every run.
    pub fn new() -> Self {
        let mut random = Random::new(0x5EED_0001);
        let mut words: Vec<String> = COMMON.split_whitespace().map(str::to_owned).collect();
        while words.len() < WORDS {
            let word = rare_word(&mut random);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Self(words)
    }

    /// Returns a word, frequent ones more often.
    pub fn word(&self, random: &mut Random) -> &str {
        &self.0[random.zipf(self.0.len())]
    }

    /// Returns a sentence of `words` words.
    pub fn sentence(&self, random: &mut Random, words: usize) -> String {
        let mut sentence: Vec<&str> = (0..words).map(|_| self.word(random)).collect();
        // Some commas: a comma is a hard separator for the proximity of the engine.
        let joined = if words > 14 && random.chance(50) {
            let tail = sentence.split_off(words / 2);
            format!("{}, {}", sentence.join(" "), tail.join(" "))
        } else {
            sentence.join(" ")
        };
        capitalised(&joined)
    }
}

/// Returns an invented word of two to four syllables.
pub fn rare_word(random: &mut Random) -> String {
    let syllables = random.between(2, 4);
    (0..syllables)
        .map(|_| [*random.pick(&ONSETS), *random.pick(&NUCLEI), *random.pick(&CODAS)].concat())
        .collect()
}

/// Capitalises the first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns `word` with one mistake: a letter missing, doubled, replaced, or two swapped. The first letter
/// stays, since a mistake there counts double.
pub fn mistyped(word: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 3 {
        return word.to_owned();
    }
    let place = random.between(1, letters.len() - 2);
    match random.below(4) {
        0 => {
            letters.remove(place);
        }
        1 => letters.insert(place, letters[place]),
        2 => letters[place] = *random.pick(&['e', 'o', 'r', 'x']),
        _ => letters.swap(place, place + 1),
    }
    letters.into_iter().collect()
}
