//! The router: it finds the route of a request.
//!
//! Routes are a table and not a chain of filters, because only a table distinguishes an unknown path (404)
//! from an unsupported method (405, with `Allow`), knows the template for the log, and can be listed.

use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::error::Failure;
use crate::route::Route;

/// A path and its methods.
struct Resource {
    segments: Vec<Segment>,
    routes: Vec<Arc<Route>>,
}

enum Segment {
    Fixed(String),
    Parameter,
}

/// The table of routes.
pub(crate) struct Router(Vec<Resource>);

impl Router {
    pub(crate) fn new(routes: Vec<Route>) -> Self {
        let mut resources: Vec<Resource> = Vec::new();
        for route in routes.into_iter().map(Arc::new) {
            let same = |resource: &&mut Resource| resource.routes[0].template == route.template;
            match resources.iter_mut().find(same) {
                Some(resource) => resource.routes.push(route),
                None => resources
                    .push(Resource { segments: template_segments(&route.template), routes: vec![route] }),
            }
        }
        // A fixed segment takes precedence over a parameter, as on a Meilisearch server.
        resources.sort_by_key(|resource| {
            resource.segments.iter().filter(|segment| matches!(segment, Segment::Parameter)).count()
        });
        Self(resources)
    }

    /// Returns the route of `method` and the raw `path`, and the parameters of the path. Empty segments are
    /// ignored, as on a Meilisearch server: `//health/` is `/health`.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<(Arc<Route>, Vec<String>), Failure> {
        let parts: Vec<String> = segments(path).collect();
        let found = self.0.iter().find(|resource| resource.matches(&parts));
        let resource = found.ok_or_else(|| Failure::path_unknown(path))?;
        match resource.routes.iter().find(|route| route.method == *method) {
            Some(route) => Ok((Arc::clone(route), resource.parameters(parts))),
            None => Err(resource.refuse(method)),
        }
    }
}

impl Resource {
    fn matches(&self, parts: &[String]) -> bool {
        self.segments.len() == parts.len()
            && self.segments.iter().zip(parts).all(|(segment, part)| match segment {
                Segment::Fixed(text) => text == part,
                Segment::Parameter => true,
            })
    }

    fn parameters(&self, parts: Vec<String>) -> Vec<String> {
        let pairs = self.segments.iter().zip(parts);
        pairs.filter(|(segment, _)| matches!(segment, Segment::Parameter)).map(|(_, part)| part).collect()
    }

    fn refuse(&self, method: &Method) -> Failure {
        let allow: Vec<&str> = self.routes.iter().map(|route| route.method.as_str()).collect();
        Failure::method_not_allowed(method.as_str(), &self.routes[0].template, allow.join(", "))
    }
}

/// Returns the decoded segments of a raw path, without empty ones.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
}

fn template_segments(template: &str) -> Vec<Segment> {
    let parts = template.split('/').filter(|part| !part.is_empty());
    parts
        .map(|part| if part.starts_with('{') { Segment::Parameter } else { Segment::Fixed(part.to_owned()) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;

    fn find(method: &Method, path: &str) -> Result<(String, Vec<String>), Failure> {
        let (route, parameters) = Router::new(routes::all()).find(method, path)?;
        Ok((route.template.clone(), parameters))
    }

    #[test]
    fn find_returns_a_route_and_its_parameters() {
        let (template, parameters) = find(&Method::GET, "/indexes/a%20b/documents/x%2Fy").unwrap();
        assert_eq!(template, "/indexes/{index_uid}/documents/{document_id}");
        assert_eq!(parameters, ["a b", "x/y"]);
    }

    #[test]
    fn find_ignores_empty_segments_and_percent_encoding() {
        for path in ["/health", "//health", "/health/", "/%68ealth"] {
            assert_eq!(find(&Method::GET, path).unwrap().0, "/health", "{path}");
        }
        assert_eq!(find(&Method::GET, "/").unwrap().0, "/");
    }

    #[test]
    fn find_prefers_a_fixed_segment_to_a_parameter() {
        let failure = find(&Method::GET, "/indexes/a/documents/fetch").unwrap_err();
        assert_eq!((failure.status.as_u16(), failure.allow.as_deref()), (405, Some("POST")));
        assert_eq!(find(&Method::POST, "/tasks/cancel").unwrap().0, "/tasks/cancel");
    }

    #[test]
    fn find_refuses_unknown_paths_and_methods() {
        for path in ["/nope", "/indexes/a/nope", "/indexes/a/settings/nope", "/_miroir/nope", "", "*"] {
            let status = find(&Method::GET, path).map_err(|failure| failure.status.as_u16());
            // The empty path of an absolute URI is the root.
            assert_eq!(
                status.map(|found| found.0),
                if path.is_empty() { Ok("/".to_owned()) } else { Err(404) }
            );
        }
        let failure = find(&Method::PATCH, "/indexes").unwrap_err();
        assert_eq!((failure.status.as_u16(), failure.allow.as_deref()), (405, Some("GET, POST")));
    }
}
