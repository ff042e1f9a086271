//! Queries: generated from the documents, the same in every run.

use serde_json::{Value, json};

use crate::corpus::{self, CITIES, COUNTRIES, GENRES};
use crate::fixture::{EDITIONS, FILMS, RANKED, WORKS};
use crate::random::Random;
use crate::vocabulary::mistyped;

/// A search.
#[derive(Debug, Clone)]
pub struct Query {
    /// Category in the summary.
    pub category: &'static str,
    /// Index.
    pub index: &'static str,
    /// Body of the request.
    pub body: Value,
}

/// Generates queries from the words of documents.
pub struct Generator<'a> {
    pub random: Random,
    works: &'a [Value],
    films: Vec<Value>,
    queries: Vec<Query>,
}

/// Returns all queries by category.
pub fn all(works: &[Value]) -> Vec<Query> {
    let random = Random::new(0x5EED_0004);
    let mut generator = Generator { random, works, films: corpus::films(), queries: Vec::new() };
    generator.words();
    generator.prefixes_and_phrases();
    generator.placeholders();
    generator.filters();
    generator.sorts();
    generator.facets();
    generator.pages();
    generator.distinct();
    generator.options();
    generator.ranking_rules();
    generator.films();
    generator.queries
}

impl Generator<'_> {
    fn add(&mut self, category: &'static str, index: &'static str, body: Value) {
        self.queries.push(Query { category, index, body });
    }

    /// Returns up to `count` successive words of an attribute of one document.
    fn phrase(&mut self, attribute: &str, count: usize) -> String {
        let document = self.random.pick(self.works);
        run_of_words(&corpus::words(document, attribute), count, &mut self.random)
    }

    /// Returns a word of at least `length` letters.
    fn long_word(&mut self, length: usize) -> String {
        loop {
            let word = self.phrase("overview", 1);
            if word.chars().count() >= length {
                return word;
            }
        }
    }

    fn words(&mut self) {
        for round in 0..20 {
            let attribute = if round % 2 == 0 { "title" } else { "overview" };
            let word = self.phrase(attribute, 1);
            self.add("plain", WORKS, json!({ "q": word }));
            let several = self.random.between(2, 5);
            let words = self.phrase(attribute, several);
            self.add("multi-word", WORKS, json!({ "q": words, "limit": 40 }));
            let mut first = self.long_word(5);
            first = mistyped(&first, &mut self.random);
            let second = if round % 3 == 0 { self.long_word(5) } else { String::new() };
            self.add("typo", WORKS, json!({ "q": format!("{first} {second}").trim(), "limit": 40 }));
        }
        for round in 0..40 {
            let work = self.random.pick(self.works);
            let mut name = corpus::words(&work["maker"], "name").pop().unwrap_or_default();
            for _ in 0..=round % 2 {
                name = mistyped(&name, &mut self.random);
            }
            let before = if round % 4 == 3 { self.phrase("title", 1) + " " } else { String::new() };
            self.add("rare typo", WORKS, json!({ "q": before + &name, "limit": 40 }));
        }
        self.add("rare typo", WORKS, json!({ "q": corpus::CROWDED, "limit": 100, "facets": ["available"] }));
        for (word, _) in corpus::SPLITS {
            self.add("rare typo", WORKS, json!({ "q": word, "limit": 40, "facets": ["available"] }));
        }
    }

    fn prefixes_and_phrases(&mut self) {
        for round in 0..15 {
            let length = self.random.between(1, 4);
            let word = self.long_word(5);
            let prefix: String = word.chars().take(length).collect();
            let before = if round % 3 == 0 { self.phrase("title", 1) + " " } else { String::new() };
            self.add("prefix", WORKS, json!({ "q": before + &prefix, "limit": 30 }));
            let phrase = self.phrase("overview", 2);
            let other = self.phrase("overview", 1);
            let q = match round % 4 {
                0 => format!("\"{phrase}\" {other}"),
                1 => format!("{other} -\"{phrase}\""),
                2 => format!("{phrase} -{other}"),
                _ => format!("\"{phrase}\""),
            };
            self.add("phrase", WORKS, json!({ "q": q, "limit": 30 }));
        }
    }

    fn placeholders(&mut self) {
        for body in [
            json!({}),
            json!({ "q": "" }),
            json!({ "q": "   " }),
            json!({ "q": null, "limit": 100 }),
            json!({ "limit": 0 }),
            json!({ "q": "", "offset": 1_234, "limit": 50 }),
            json!({ "showRankingScore": true }),
            // All by name: 1.50.0 refuses `*` here, later versions accept it.
            json!({ "q": "", "facets": ["genres", "year", "rating", "votes", "city", "code", "available", "maker.country", "series", "title", "serial"] }),
        ] {
            self.add("placeholder", WORKS, body);
        }
    }

    fn filters(&mut self) {
        for round in 0..40 {
            let first = self.condition(round);
            let second = self.random.below(20);
            let second = self.condition(second);
            let filter = match round % 5 {
                0 | 1 => json!(first),
                2 => json!(format!("{first} AND {second}")),
                3 => json!(format!("({first}) OR NOT ({second})")),
                _ => json!([[first, second], "available = true"]),
            };
            let q = if round % 3 == 0 { self.phrase("title", 1) } else { String::new() };
            self.add("filter", WORKS, json!({ "q": q, "filter": filter, "limit": 30 }));
        }
    }

    /// Returns a condition of a filter, of every kind in turn.
    fn condition(&mut self, kind: usize) -> String {
        let genre = *self.random.pick(&GENRES);
        let city = *self.random.pick(&CITIES);
        let country = *self.random.pick(&COUNTRIES);
        let year = 1950 + self.random.below(75);
        let rating = self.random.between(1, 10);
        match kind % 14 {
            0 => format!("genres = \"{genre}\""),
            1 => format!("genres != \"{genre}\""),
            2 => format!("year >= {year}"),
            3 => format!("rating < {rating}.5"),
            4 => format!("year {year} TO {}", year + 7),
            5 => format!("city IN [\"{city}\", Oslo, Cork]"),
            6 => format!("city NOT IN [\"{city}\", Lima]"),
            7 => "rating EXISTS".to_owned(),
            8 => "year NOT EXISTS".to_owned(),
            9 => "rating IS NULL".to_owned(),
            10 => "code IS EMPTY".to_owned(),
            11 => format!("maker.country = \"{country}\" AND year != {year}"),
            12 => "available = true".to_owned(),
            _ => format!("code = {} OR code > 30", self.random.below(40)),
        }
    }

    fn sorts(&mut self) {
        let attributes = ["year", "rating", "votes", "city", "code", "maker.country", "title", "available"];
        for attribute in attributes {
            for direction in ["asc", "desc"] {
                let sort = json!([format!("{attribute}:{direction}")]);
                self.add("sort", WORKS, json!({ "sort": sort, "limit": 60 }));
            }
        }
        for _ in 0..14 {
            let mut names = attributes;
            self.random.shuffle(&mut names);
            let count = self.random.between(1, 3);
            let sort: Vec<String> = names[..count]
                .iter()
                .map(|name| format!("{name}:{}", if self.random.chance(50) { "asc" } else { "desc" }))
                .collect();
            let q = self.phrase("title", 1);
            let offset = self.random.below(20);
            self.add("sort", WORKS, json!({ "q": q, "sort": sort, "offset": offset, "limit": 40 }));
        }
    }

    fn facets(&mut self) {
        for facet in
            ["genres", "year", "rating", "city", "code", "available", "maker.country", "votes", "series"]
        {
            self.add("facets", WORKS, json!({ "facets": [facet], "limit": 3 }));
            let q = self.phrase("title", 1);
            self.add("facets", WORKS, json!({ "q": q, "facets": [facet, "year"], "limit": 5 }));
            // Few values per facet, some sorted by count.
            self.add("facets", EDITIONS, json!({ "facets": [facet], "limit": 5 }));
        }
        for round in 0..4 {
            let filter = self.condition(round);
            self.add(
                "facets",
                WORKS,
                json!({ "filter": filter, "facets": ["genres", "rating", "maker.country"] }),
            );
        }
    }

    fn pages(&mut self) {
        for round in 0..12 {
            let q = self.phrase("title", 1);
            let (size, place) = (self.random.between(1, 25), self.random.below(6));
            self.add("offset", WORKS, json!({ "q": q, "offset": place * size, "limit": size }));
            let sort = if round % 2 == 0 { json!(["year:desc"]) } else { Value::Null };
            let numbered = json!({ "q": q, "page": place, "hitsPerPage": size, "sort": sort });
            self.add("page", WORKS, numbered);
        }
        for body in [
            json!({ "page": 2 }),
            json!({ "hitsPerPage": 0 }),
            json!({ "page": 10_000, "hitsPerPage": 20 }),
            json!({ "offset": 10_000 }),
        ] {
            self.add("page", WORKS, body);
        }
        // Pages beyond the limit of hits in the settings, and across it.
        for offset in [280, 295, 299, 300, 400] {
            self.add("deep", RANKED, json!({ "sort": ["serial:asc"], "offset": offset, "limit": 10 }));
            let page = json!({ "sort": ["serial:desc"], "page": offset / 10, "hitsPerPage": 10 });
            self.add("deep", RANKED, page);
        }
        for offset in [900, 1_700, 3_150] {
            self.add("deep", WORKS, json!({ "offset": offset, "limit": 60, "sort": ["rating:desc"] }));
            self.add("deep", WORKS, json!({ "q": "the", "offset": offset / 2, "limit": 40 }));
        }
    }

    fn distinct(&mut self) {
        for attribute in ["series", "year", "maker.country"] {
            for round in 0..4 {
                let q = if round % 2 == 0 { String::new() } else { self.phrase("title", 1) };
                let mut body = json!({ "q": q, "distinct": attribute, "limit": 25 });
                if round == 1 {
                    body["sort"] = json!(["votes:desc"]);
                }
                if round == 2 {
                    body = json!({ "distinct": attribute, "page": 2, "hitsPerPage": 7, "facets": ["available", "city"] });
                }
                if round == 3 {
                    body["facets"] = json!(["available"]);
                    body["limit"] = json!(1_000);
                }
                self.add("distinct", WORKS, body);
            }
        }
        for round in 0..6 {
            let q = if round == 0 { String::new() } else { self.phrase("title", 1) };
            self.add("distinct", EDITIONS, json!({ "q": q, "limit": 30, "offset": round }));
            self.add("distinct", EDITIONS, json!({ "q": q, "page": 1 + round, "hitsPerPage": 9 }));
        }
        self.add("distinct", WORKS, json!({ "distinct": "genres", "q": "the" }));
        self.add("distinct", WORKS, json!({ "distinct": "genres", "limit": 10 }));
    }

    fn options(&mut self) {
        for round in 0..8 {
            for strategy in ["last", "all", "frequency"] {
                let words = self.phrase("overview", 3);
                let body = json!({ "q": words, "matchingStrategy": strategy, "limit": 30 });
                self.add("matchingStrategy", WORKS, body);
            }
            let threshold = f64::from(u32::try_from(round).expect("small")) / 10.0 + 0.15;
            let words = self.phrase("title", 2);
            let mut body = json!({ "q": words, "rankingScoreThreshold": threshold, "limit": 500 });
            if round % 2 == 0 {
                body = json!({ "q": words, "rankingScoreThreshold": threshold, "hitsPerPage": 10 });
            }
            self.add("rankingScoreThreshold", WORKS, body);
            let q = self.phrase("title", 1);
            for restriction in [json!(["title"]), json!(["overview"]), json!(["maker.name", "title"])] {
                let body = json!({ "q": q, "attributesToSearchOn": restriction, "limit": 20 });
                self.add("attributesToSearchOn", WORKS, body);
            }
        }
        for shape in [
            json!({ "attributesToRetrieve": ["title", "id"] }),
            json!({ "attributesToRetrieve": ["maker.country"] }),
            json!({ "attributesToRetrieve": [] }),
            json!({ "attributesToRetrieve": ["id"], "attributesToHighlight": ["title"] }),
            json!({ "attributesToHighlight": ["*"], "attributesToCrop": ["overview"], "cropLength": 5 }),
            json!({ "showMatchesPosition": true, "attributesToRetrieve": ["*"] }),
            json!({ "attributesToRetrieve": ["title"], "distinct": "series" }),
            json!({ "showRankingScoreDetails": true, "sort": ["year:asc"] }),
        ] {
            for q in ["the", "star"] {
                let mut body = shape.clone();
                body["q"] = q.into();
                self.add("attributesToRetrieve", WORKS, body);
            }
        }
    }

    fn ranking_rules(&mut self) {
        for round in 0..24 {
            let attribute = if round % 2 == 0 { "title" } else { "overview" };
            let words = self.phrase(attribute, 1 + round % 3);
            let mut body = json!({ "q": words, "limit": 40, "offset": round % 4 });
            if round % 4 == 3 {
                body["sort"] = json!(["city:asc"]);
            }
            self.add("ranking rules", RANKED, body);
        }
        self.add("ranking rules", RANKED, json!({ "limit": 120 }));
    }

    fn films(&mut self) {
        for round in 0..24 {
            let attribute = if round % 2 == 0 { "title" } else { "overview" };
            let film = self.random.pick(&self.films).clone();
            let mut q = run_of_words(&corpus::words(&film, attribute), 1 + round % 3, &mut self.random);
            if round % 5 == 4 {
                q = mistyped(&q, &mut self.random);
            }
            let mut body = json!({ "q": q, "facets": ["genres", "year"], "limit": 50 });
            if round % 4 == 0 {
                body["sort"] = json!(["runtime_minutes:desc", "title:asc"]);
            }
            if round % 6 == 0 {
                body["filter"] = json!("genres IN [Drama, Comedy] AND year > 1950");
            }
            self.add("films", FILMS, body);
        }
        self.add(
            "films",
            FILMS,
            json!({ "facets": ["genres", "year", "languages", "countries"], "limit": 193 }),
        );
    }
}

fn run_of_words(words: &[String], count: usize, random: &mut Random) -> String {
    let count = count.min(words.len());
    let first = random.below(words.len() - count + 1);
    words[first..first + count].join(" ")
}
