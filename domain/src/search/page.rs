//! The page of a client's search, the page that nodes are sent for it, and its description in the response.

use serde_json::{Map, Value};

/// The default number of hits of a server.
const DEFAULT_LIMIT: u64 = 20;

/// The two kinds of pagination of Meilisearch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// `offset` and `limit`: totals are estimates.
    Window { offset: u64, limit: u64 },
    /// `page` and `hitsPerPage`: totals are exhaustive. Page 0 has no hits.
    Numbered { page: u64, hits_per_page: u64 },
}

impl Page {
    /// Reads the page from checked parameters. `page` or `hitsPerPage` makes it numbered, and the window is
    /// ignored.
    pub(super) fn of(body: &Map<String, Value>) -> Self {
        let number = |key: &str| body.get(key).and_then(Value::as_u64);
        match (number("page"), number("hitsPerPage")) {
            (None, None) => Self::Window {
                offset: number("offset").unwrap_or(0),
                limit: number("limit").unwrap_or(DEFAULT_LIMIT),
            },
            (page, hits_per_page) => Self::Numbered {
                page: page.unwrap_or(1),
                hits_per_page: hits_per_page.unwrap_or(DEFAULT_LIMIT),
            },
        }
    }

    /// Returns the number of hits before the page.
    pub(super) fn skip(self) -> u64 {
        match self {
            Self::Window { offset, .. } => offset,
            Self::Numbered { page, hits_per_page } => page.saturating_sub(1).saturating_mul(hits_per_page),
        }
    }

    /// Returns the maximum number of hits of the page.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::Window { limit, .. } => limit,
            Self::Numbered { page: 0, .. } => 0,
            Self::Numbered { hits_per_page, .. } => hits_per_page,
        }
    }

    /// Returns the position after the last hit of the page. No hit after `max_total_hits` is ever shown.
    pub(super) fn end(self, max_total_hits: u64) -> u64 {
        let end = match self {
            Self::Window { offset, limit } => offset.saturating_add(limit),
            Self::Numbered { page, hits_per_page } => page.saturating_mul(hits_per_page),
        };
        end.min(max_total_hits)
    }

    /// Returns the page for nodes when totals depend on the hits themselves, because a value of the distinct
    /// attribute counts once however many nodes have it. A numbered page promises an exact total, so all hits
    /// are needed. A window promises an estimate and stays as it is.
    pub(super) fn exhaustive(self) -> Self {
        match self {
            Self::Window { .. } => self,
            Self::Numbered { .. } => Self::Numbered { page: 1, hits_per_page: u64::MAX },
        }
    }

    /// Writes the page for a node into `body`: every hit up to the end of the page, in the same kind of
    /// pagination, because the kind decides whether the node counts exhaustively.
    pub(super) fn write_for_node(self, max_total_hits: u64, body: &mut Map<String, Value>) {
        for key in ["offset", "limit", "page", "hitsPerPage"] {
            body.shift_remove(key);
        }
        let end = self.end(max_total_hits);
        match self {
            Self::Window { .. } => {
                body.insert("offset".to_owned(), 0.into());
                body.insert("limit".to_owned(), end.into());
            }
            Self::Numbered { .. } => {
                body.insert("page".to_owned(), 1.into());
                body.insert("hitsPerPage".to_owned(), end.into());
            }
        }
    }

    /// Returns the key of the total in a response.
    pub(super) fn total_key(self) -> &'static str {
        match self {
            Self::Window { .. } => "estimatedTotalHits",
            Self::Numbered { .. } => "totalHits",
        }
    }

    /// Writes the page into the client's response, with the keys and the order of a server. The client's
    /// numbers are repeated as they are, however far after the end. `maxTotalHits` bounds the hits that a
    /// server shows, but not the total that it states.
    pub(super) fn describe(self, total: u64, response: &mut Map<String, Value>) {
        let mut put = |key: &str, value: u64| response.insert(key.to_owned(), value.into());
        match self {
            Self::Window { offset, limit } => {
                put("limit", limit);
                put("offset", offset);
            }
            Self::Numbered { page, hits_per_page } => {
                put("hitsPerPage", hits_per_page);
                put("page", page);
                put("totalPages", if hits_per_page == 0 { 0 } else { total.div_ceil(hits_per_page) });
            }
        }
        put(self.total_key(), total);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn page(body: Value) -> Page {
        let Value::Object(body) = body else { panic!("an object") };
        Page::of(&body)
    }

    fn sent(body: Value) -> Value {
        let Value::Object(mut map) = body else { panic!("an object") };
        Page::of(&map).write_for_node(1000, &mut map);
        Value::Object(map)
    }

    #[test]
    fn node_request_covers_everything_up_to_the_end_of_the_page() {
        for (client, node) in [
            (json!({}), json!({"offset": 0, "limit": 20})),
            (json!({"offset": 5, "limit": 7}), json!({"offset": 0, "limit": 12})),
            (json!({"offset": 990, "limit": 20}), json!({"offset": 0, "limit": 1000})),
            (json!({"offset": u64::MAX, "limit": u64::MAX}), json!({"offset": 0, "limit": 1000})),
            (json!({"page": 3}), json!({"page": 1, "hitsPerPage": 60})),
            (json!({"hitsPerPage": 7, "offset": 3, "limit": 4}), json!({"page": 1, "hitsPerPage": 7})),
            (json!({"page": 0, "hitsPerPage": 7}), json!({"page": 1, "hitsPerPage": 0})),
            (json!({"page": 4, "hitsPerPage": 0}), json!({"page": 1, "hitsPerPage": 0})),
            (json!({"page": u64::MAX, "hitsPerPage": u64::MAX}), json!({"page": 1, "hitsPerPage": 1000})),
            (json!({"page": null, "hitsPerPage": null, "limit": 2}), json!({"offset": 0, "limit": 2})),
        ] {
            assert_eq!(sent(client.clone()), node, "{client}");
        }
    }

    #[test]
    fn describe_repeats_the_clients_numbers_in_the_order_of_a_server() {
        let described = |body: Value, total| {
            let mut response = Map::new();
            page(body).describe(total, &mut response);
            serde_json::to_string(&response).unwrap()
        };
        assert_eq!(
            described(json!({"offset": 2000, "limit": u64::MAX}), 40),
            r#"{"limit":18446744073709551615,"offset":2000,"estimatedTotalHits":40}"#
        );
        assert_eq!(
            described(json!({"page": 3, "hitsPerPage": 7}), 40),
            r#"{"hitsPerPage":7,"page":3,"totalPages":6,"totalHits":40}"#
        );
        assert_eq!(
            described(json!({"page": 0}), 40),
            r#"{"hitsPerPage":20,"page":0,"totalPages":2,"totalHits":40}"#
        );
        assert_eq!(
            described(json!({"hitsPerPage": 0}), 40),
            r#"{"hitsPerPage":0,"page":1,"totalPages":0,"totalHits":40}"#
        );
    }

    proptest! {
        #[test]
        fn no_page_overflows_or_reaches_beyond_the_cap(
            offset: u64, limit: u64, number: Option<u64>, size: Option<u64>, cap: u64,
        ) {
            let page = page(json!({"offset": offset, "limit": limit, "page": number, "hitsPerPage": size}));
            prop_assert!(page.end(cap) <= cap);
            let mut response = Map::new();
            page.describe(u64::MAX, &mut response);
        }

        #[test]
        fn numbered_pages_tile(number in 1u64..50, size in 0u64..50) {
            let one = Page::Numbered { page: number, hits_per_page: size };
            let next = Page::Numbered { page: number + 1, hits_per_page: size };
            prop_assert_eq!(one.end(u64::MAX), next.skip());
        }
    }
}
