//! The rank of one document for a query: the words that it matches, and the detail of each ranking rule.

use std::collections::HashMap;

use super::query::{Query, Term};
use super::score::{Detail, MatchType, Rank};
use super::sort::Sort;
use crate::documents::Stored;
use crate::settings::Settings;

/// The distance from which words count as unrelated.
const MAX_DISTANCE: usize = 4;
/// The greatest cost of a word's position.
const MAX_POSITION_COST: u32 = 10;

/// One place at which a term is found.
#[derive(Debug, Clone, Copy)]
struct Occurrence {
    /// The index of the attribute in the document.
    field: usize,
    /// The rank of the attribute among the searchable ones.
    field_rank: usize,
    position: usize,
    typos: u8,
    is_exact: bool,
}

/// A ranking rule.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Words,
    Typo,
    Proximity,
    Attribute,
    AttributeRank,
    WordPosition,
    Exactness,
    Sort(Sort),
}

/// The order in which words may be left out if a document does not match all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The last word first.
    Last,
    /// No word may be left out.
    All,
    /// The most frequent word first.
    Frequency,
}

/// A ranker for the documents of one index and one query.
pub(crate) struct Ranker<'q> {
    query: &'q Query,
    settings: &'q Settings,
    rules: Vec<Rule>,
    strategy: Strategy,
    /// The rank of each searchable attribute.
    fields: HashMap<&'q str, usize>,
    max_field: usize,
    without_typos: Vec<&'q str>,
    /// Words that are never found.
    stop_words: Vec<&'q str>,
    /// Terms in the order in which they are kept: the last one is dropped first.
    kept_order: Vec<usize>,
}

impl<'q> Ranker<'q> {
    /// Creates a ranker over the attributes `paths` of an index, restricted to `search_on`.
    pub(crate) fn new(
        query: &'q Query,
        settings: &'q Settings,
        paths: &'q [String],
        search_on: Option<&[String]>,
        sorts: &[Sort],
        strategy: Strategy,
    ) -> Self {
        let wanted = |path: &str| {
            search_on
                .is_none_or(|wanted| wanted.iter().any(|item| crate::settings::pattern_covers(item, path)))
        };
        let places = paths.iter().filter_map(|path| Some((path.as_str(), settings.searchable_rank(path)?)));
        let fields: HashMap<&str, usize> = places.filter(|(path, _)| wanted(path)).collect();
        let typo = settings.get("typoTolerance");
        Self {
            query,
            settings,
            rules: rules(settings, sorts, !query.terms.is_empty()),
            strategy,
            max_field: paths.iter().filter_map(|path| settings.searchable_rank(path)).max().unwrap_or(0),
            fields,
            without_typos: typo["disableOnAttributes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item.as_str())
                .collect(),
            stop_words: settings.texts("stopWords"),
            kept_order: (0..query.terms.len()).collect(),
        }
    }

    /// Counts the documents of each word, for the strategy that drops frequent words first.
    pub(crate) fn count_words<'d>(&mut self, documents: impl Iterator<Item = &'d Stored>) {
        if self.strategy != Strategy::Frequency {
            return;
        }
        let mut counts = vec![0_usize; self.query.terms.len()];
        for stored in documents {
            for (count, term) in counts.iter_mut().zip(&self.query.terms) {
                *count += usize::from(!self.occurrences(term, stored).is_empty());
            }
        }
        self.kept_order.sort_by_key(|term| counts[*term]);
    }

    /// Returns the details of all rules for a document. Returns `None` if the document does not match.
    pub(crate) fn rank(&self, stored: &Stored) -> Option<Vec<Detail>> {
        if self.query.negative.iter().any(|words| !self.phrase(words, stored).is_empty()) {
            return None;
        }
        let found: Vec<Vec<Occurrence>> =
            self.query.terms.iter().map(|term| self.occurrences(term, stored)).collect();
        let kept_count = self.kept_order.iter().take_while(|term| !found[**term].is_empty()).count();
        let least = match self.strategy {
            Strategy::All => self.query.terms.len(),
            _ => self.query.terms.len().min(1),
        };
        if kept_count < least {
            return None;
        }
        let mut kept: Vec<usize> = self.kept_order[..kept_count].to_vec();
        kept.sort_unstable();
        let kept: Vec<(&Term, Vec<Occurrence>)> =
            kept.into_iter().map(|term| (&self.query.terms[term], fewest_typos(&found[term]))).collect();
        Some(self.rules.iter().map(|rule| self.detail(rule, &kept, stored)).collect())
    }

    fn detail(&self, rule: &Rule, kept: &[(&Term, Vec<Occurrence>)], stored: &Stored) -> Detail {
        match rule {
            Rule::Words => {
                let words =
                    |terms: &mut dyn Iterator<Item = &Term>| count(terms.map(|term| term.words.len()).sum());
                Detail::Words {
                    matching: words(&mut kept.iter().map(|(term, _)| *term)),
                    max: words(&mut self.query.terms.iter()),
                }
            }
            Rule::Typo => Detail::Typo {
                count: kept
                    .iter()
                    .map(|(_, found)| found.first().map_or(0, |first| u32::from(first.typos)))
                    .sum(),
                // A word too short for typos may still be split in two, which counts as one typo.
                max: kept
                    .iter()
                    .filter(|(term, _)| !term.is_phrase)
                    .map(|(term, _)| u32::from(term.allowed_typos.max(1)))
                    .sum(),
            },
            Rule::Proximity => Detail::Proximity(self.proximity(kept)),
            Rule::Attribute => {
                Detail::Attribute { rank: self.attribute_rank(kept), position: word_position(kept) }
            }
            Rule::AttributeRank => Detail::AttributeRank(self.attribute_rank(kept)),
            Rule::WordPosition => Detail::WordPosition(word_position(kept)),
            Rule::Exactness => {
                let exact = kept.iter().filter(|(_, found)| found.iter().any(|place| place.is_exact)).count();
                Detail::Exactness {
                    match_type: self.match_type(kept, stored),
                    matching: count(exact),
                    max: count(kept.len()),
                }
            }
            Rule::Sort(sort) => Detail::Sort {
                value: sort.value(&stored.document),
                is_hidden: !self.settings.is_displayed(&sort.attribute),
                sort: sort.clone(),
            },
        }
    }

    fn occurrences(&self, term: &Term, stored: &Stored) -> Vec<Occurrence> {
        if term.is_phrase {
            return self.phrase(&term.words, stored);
        }
        let mut found = Vec::new();
        for (index, field) in stored.tokens.iter().enumerate() {
            let Some(rank) = self.fields.get(field.path.as_str()) else { continue };
            let no_typos = self.without_typos.contains(&field.path.as_str());
            for token in &field.tokens {
                let Some(matched) = term.matches(&token.word) else { continue };
                // The server does index a stop word at the beginning of an attribute.
                let is_stop_word = token.position > 0 && self.stop_words.contains(&token.word.as_str());
                if is_stop_word || (matched.typos > 0 && no_typos) {
                    continue;
                }
                let (typos, is_exact) = (matched.typos, matched.is_whole);
                found.push(Occurrence {
                    field: index,
                    field_rank: *rank,
                    position: token.position,
                    typos,
                    is_exact,
                });
            }
        }
        for synonym in &term.synonyms {
            let same = self.phrase(synonym, stored).into_iter();
            found.extend(same.map(|place| Occurrence { is_exact: false, ..place }));
        }
        found
    }

    /// Returns the places at which these words are adjacent.
    fn phrase(&self, words: &[String], stored: &Stored) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (index, field) in stored.tokens.iter().enumerate() {
            let Some(rank) = self.fields.get(field.path.as_str()) else { continue };
            for window in field.tokens.windows(words.len()) {
                let side_by_side = window.windows(2).all(|pair| pair[1].position == pair[0].position + 1);
                if side_by_side && window.iter().zip(words).all(|(token, word)| token.word == *word) {
                    let position = window[0].position;
                    found.push(Occurrence {
                        field: index,
                        field_rank: *rank,
                        position,
                        typos: 0,
                        is_exact: true,
                    });
                }
            }
        }
        found
    }

    fn proximity(&self, kept: &[(&Term, Vec<Occurrence>)]) -> Rank {
        let by_attribute = self.settings.get("proximityPrecision") == "byAttribute";
        let mut cost = 0;
        let mut pairs = 0;
        for pair in kept.windows(2) {
            let [(left, left_found), (right, right_found)] = pair else { continue };
            if left.position + left.words.len() != right.position {
                continue;
            }
            pairs += 1;
            let distances = left_found.iter().flat_map(|one| {
                right_found.iter().map(move |two| distance(*one, *two, left.words.len(), by_attribute))
            });
            cost += distances.min().unwrap_or(MAX_DISTANCE) - 1;
        }
        Rank::from_cost(count(cost), count(pairs * (MAX_DISTANCE - 1)))
    }

    fn attribute_rank(&self, kept: &[(&Term, Vec<Occurrence>)]) -> Rank {
        let cost = kept
            .iter()
            .map(|(_, found)| found.iter().map(|place| place.field_rank).min().unwrap_or(self.max_field));
        Rank::from_cost(count(cost.sum()), count(self.max_field * kept.len()))
    }

    /// Returns whether an attribute equals the query, or begins with its words at their positions.
    fn match_type(&self, kept: &[(&Term, Vec<Occurrence>)], stored: &Stored) -> MatchType {
        let is_beginning =
            kept.iter().zip(&self.query.terms).all(|((term, _), first)| term.position == first.position);
        if kept.is_empty() || !is_beginning {
            return MatchType::NoExactMatch;
        }
        let wanted: Vec<(usize, &String)> = kept
            .iter()
            .flat_map(|(term, _)| {
                term.words.iter().enumerate().map(|(index, word)| (term.position + index, word))
            })
            .collect();
        let fields = stored.tokens.iter().filter(|field| self.fields.contains_key(field.path.as_str()));
        let types = fields.map(|field| {
            let has_all = wanted.iter().all(|(position, word)| {
                field.tokens.iter().any(|token| token.position == *position && token.word == **word)
            });
            match (has_all, field.tokens.len() == wanted.len()) {
                (false, _) => MatchType::NoExactMatch,
                (true, false) => MatchType::MatchesStart,
                (true, true) => MatchType::ExactMatch,
            }
        });
        types.max().unwrap_or(MatchType::NoExactMatch)
    }
}

/// Returns the rules of the settings that apply to a query. Rules about words apply only to queries with
/// words; `words` is added before the first rule about words if the settings leave it out.
fn rules(settings: &Settings, sorts: &[Sort], has_words: bool) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let add = |rule: Rule, rules: &mut Vec<Rule>| {
        let is_sort = matches!(rule, Rule::Sort(_));
        if !is_sort && rule != Rule::Words && has_words && !rules.contains(&Rule::Words) {
            rules.push(Rule::Words);
        }
        if (is_sort || has_words) && !rules.contains(&rule) {
            rules.push(rule);
        }
    };
    for name in settings.texts("rankingRules") {
        let rule = match name {
            "words" => Rule::Words,
            "typo" => Rule::Typo,
            "proximity" => Rule::Proximity,
            "attribute" => Rule::Attribute,
            "attributeRank" => Rule::AttributeRank,
            "wordPosition" => Rule::WordPosition,
            "exactness" => Rule::Exactness,
            "sort" => {
                for sort in sorts {
                    add(Rule::Sort(sort.clone()), &mut rules);
                }
                continue;
            }
            custom => match Sort::read(custom) {
                Some(sort) => Rule::Sort(sort),
                None => continue,
            },
        };
        add(rule, &mut rules);
    }
    rules
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn fewest_typos(found: &[Occurrence]) -> Vec<Occurrence> {
    let fewest = found.iter().map(|place| place.typos).min();
    found.iter().copied().filter(|place| Some(place.typos) == fewest).collect()
}

/// Returns the distance between two words. The wrong order costs one more.
fn distance(left: Occurrence, right: Occurrence, left_words: usize, by_attribute: bool) -> usize {
    let is_same_word = left.field == right.field && left.position == right.position;
    if left.field != right.field || is_same_word {
        return MAX_DISTANCE;
    }
    if by_attribute {
        return 1;
    }
    let end = left.position + left_words - 1;
    let distance = if right.position > end {
        right.position - end
    } else {
        left.position.saturating_sub(right.position) + 1
    };
    distance.clamp(1, MAX_DISTANCE)
}

/// Returns the rank for the distances between words and their positions in the query.
fn word_position(kept: &[(&Term, Vec<Occurrence>)]) -> Rank {
    let cost = kept.iter().map(|(term, found)| {
        let costs = found.iter().map(|place| position_cost(bucket(place.position).abs_diff(term.position)));
        costs.min().unwrap_or(MAX_POSITION_COST)
    });
    Rank::from_cost(cost.sum(), MAX_POSITION_COST * count(kept.len()))
}

/// Rounds distant positions up, as the server stores them.
fn bucket(position: usize) -> usize {
    match position {
        0..16 => position,
        16..24 => 24,
        far => far.next_power_of_two(),
    }
}

fn position_cost(distance: usize) -> u32 {
    match distance {
        0 => 0,
        1 => 1,
        2..=4 => 2,
        5..=7 => 3,
        8..=11 => 4,
        12..=16 => 5,
        17..=24 => 6,
        25..=64 => 7,
        65..=256 => 8,
        257..=1024 => 9,
        _ => MAX_POSITION_COST,
    }
}
