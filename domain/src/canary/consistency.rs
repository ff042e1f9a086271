//! Assertions that no response can meet. They are refused when they are written, because a canary that can
//! only fail detects nothing.

use std::collections::BTreeSet;

use super::assertion::Assertion;
use super::fields::refuse;
use crate::document::DocumentId;
use crate::error::InvalidRequest;
use crate::search::SearchRequest;

/// Refuses assertions that no response to `query` meets, each alone or all together.
pub(super) fn check(query: &SearchRequest, assertions: &[Assertion]) -> Result<(), InvalidRequest> {
    for (position, assertion) in assertions.iter().enumerate() {
        fits_query(query, assertion)
            .map_err(|message| refuse(&format!(".assertions[{position}]"), message))?;
    }
    let (skipped, _) = query.window();
    [first_hits_fit(assertions), ids_fit(assertions), totals_fit(skipped, assertions), facets_fit(assertions)]
        .into_iter()
        .collect::<Result<(), String>>()
        .map_err(|message| refuse(".assertions", message))
}

fn fits_query(query: &SearchRequest, assertion: &Assertion) -> Result<(), String> {
    let (_, page) = query.window();
    match assertion {
        Assertion::TopHitId { .. } | Assertion::TopKContains { .. } | Assertion::MustNotContainId { .. }
            if page == 0 =>
        {
            Err("it is about hits, but the page of the query has none".to_owned())
        }
        Assertion::TopKContains { k, .. } if *k > page => {
            Err(format!("it is about {k} hits, but the page of the query has {page}"))
        }
        Assertion::FacetCount { facet, .. }
            if !query.facets().any(|counted| counted == facet || counted == "*") =>
        {
            Err(format!("`{facet}` is not among the `facets` of the query"))
        }
        _ => Ok(()),
    }
}

/// Returns the number of first hits that an assertion is about, and the documents that must be among them.
fn wanted(assertion: &Assertion) -> Option<(u64, &[DocumentId])> {
    match assertion {
        Assertion::TopHitId { id } => Some((1, std::slice::from_ref(id))),
        Assertion::TopKContains { k, ids } => Some((*k, ids)),
        _ => None,
    }
}

/// Returns every document that must be among the first `k` hits.
fn wanted_within(assertions: &[Assertion], k: u64) -> BTreeSet<&DocumentId> {
    let within = assertions.iter().filter_map(wanted).filter(|(looked_at, _)| *looked_at <= k);
    within.flat_map(|(_, ids)| ids).collect()
}

/// Refuses assertions by which two documents would have to be one hit.
fn first_hits_fit(assertions: &[Assertion]) -> Result<(), String> {
    for (k, _) in assertions.iter().filter_map(wanted) {
        let documents = wanted_within(assertions, k).len() as u64;
        if documents > k {
            return Err(format!("the first {k} hits would have to be {documents} documents"));
        }
    }
    Ok(())
}

/// Refuses assertions by which a document must be both present and absent.
fn ids_fit(assertions: &[Assertion]) -> Result<(), String> {
    let wanted = wanted_within(assertions, u64::MAX);
    let excluded = assertions.iter().find_map(|assertion| match assertion {
        Assertion::MustNotContainId { id } if wanted.contains(id) => Some(id),
        _ => None,
    });
    excluded.map_or(Ok(()), |id| Err(format!("`{id}` would have to be both among the hits and absent")))
}

/// Refuses totals that exclude each other, or leave no room for the documents that must be on a page after
/// `skipped` hits.
fn totals_fit(skipped: u64, assertions: &[Assertion]) -> Result<(), String> {
    let most = assertions.iter().filter_map(|assertion| match assertion {
        Assertion::MaxHits { value } => Some(*value),
        _ => None,
    });
    let Some(most) = most.min() else { return Ok(()) };
    let least = assertions.iter().filter_map(|assertion| match assertion {
        Assertion::MinHits { value } => Some(*value),
        _ => None,
    });
    if let Some(least) = least.max().filter(|least| *least > most) {
        return Err(format!("no search has at least {least} hits and at most {most}"));
    }
    let documents = wanted_within(assertions, u64::MAX).len() as u64;
    if documents > 0 && skipped.saturating_add(documents) > most {
        return Err(format!(
            "{documents} documents would have to be on a page after {skipped} hits, with at most {most} hits in all"
        ));
    }
    Ok(())
}

/// Refuses bounds of one facet value that exclude each other.
fn facets_fit(assertions: &[Assertion]) -> Result<(), String> {
    let counts = || {
        assertions.iter().filter_map(|assertion| match assertion {
            Assertion::FacetCount { facet, value, min, max } => Some(((facet, value), min, max)),
            _ => None,
        })
    };
    for (of, min, _) in counts() {
        let most = counts().filter(|(other, ..)| *other == of).filter_map(|(_, _, max)| *max).min();
        if let (Some(least), Some(most)) = (min, most)
            && *least > most
        {
            return Err(format!(
                "no count of `{}` in `{}` is at least {least} and at most {most}",
                of.1, of.0
            ));
        }
    }
    Ok(())
}
