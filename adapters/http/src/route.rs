//! The declaration of a route. It contains everything that is known of the route: the router, the checks of
//! keys and queries, the choice of the instance and the OpenAPI document are made from it.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;

use crate::Apis;
use crate::content::JSON;
use crate::description::{DescribedResponse, Description, RequestBody, Schema};
use crate::query_rule::QueryRule;
use crate::reply::Outcome;
use crate::request::Request;
use crate::tag::Tag;

/// The key that a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// No key. Such a route needs no request permit either.
    Open,
    /// The master key.
    Client,
    /// The admin key.
    Admin,
}

/// The instance that serves a route.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ServedBy {
    /// Any instance.
    Any,
    /// The holder of the role that the function returns for the parameters of the path. Any instance if it
    /// returns `None`.
    RoleHolder(fn(&[String]) -> Option<Role>),
}

type Handler = Box<dyn Fn(Arc<Apis>, Request) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// One method of one path.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path, with `{names}` for its parameters.
    pub(crate) template: String,
    pub(crate) access: Access,
    pub(crate) served_by: ServedBy,
    /// False if the response is 501 `miroir_not_supported`.
    pub(crate) supported: bool,
    pub(crate) query: QueryRule,
    pub(crate) description: Description,
    handler: Handler,
}

impl Route {
    /// Declares a route for clients. It ignores its query. The leader serves it, unless its method is `GET`.
    pub(crate) fn new<F, Fut>(
        method: Method,
        template: impl Into<String>,
        id: impl Into<String>,
        summary: impl Into<String>,
        handler: F,
    ) -> Self
    where
        F: Fn(Arc<Apis>, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let served_by =
            if method == Method::GET { ServedBy::Any } else { ServedBy::RoleHolder(|_| Some(Role::Writes)) };
        Self {
            method,
            template: template.into(),
            access: Access::Client,
            served_by,
            supported: true,
            query: QueryRule::Ignored,
            description: Description::new(id.into(), summary.into()),
            handler: Box::new(move |apis, request| handler(apis, request).boxed()),
        }
    }

    /// Opens the route to requests without a key.
    pub(crate) fn open(self) -> Self {
        Self { access: Access::Open, ..self }
    }

    /// Restricts the route to the admin key.
    pub(crate) fn admin(self) -> Self {
        Self { access: Access::Admin, ..self }
    }

    /// Lets any instance serve the route: it changes nothing, although its method is not `GET`.
    pub(crate) fn any_instance(self) -> Self {
        Self { served_by: ServedBy::Any, ..self }
    }

    /// Lets the holder of a role serve the route. `role` returns the role for the parameters of the path.
    pub(crate) fn served_by(self, role: fn(&[String]) -> Option<Role>) -> Self {
        Self { served_by: ServedBy::RoleHolder(role), ..self }
    }

    /// Marks the route as not supported for a cluster yet.
    pub(crate) fn unsupported(self) -> Self {
        Self { supported: false, ..self }.any_instance()
    }

    /// Declares the query parameters by their names in `openapi/parameter.json`. Unknown ones are refused.
    pub(crate) fn query(self, parameters: &'static [&'static str]) -> Self {
        Self { query: QueryRule::Only(parameters), ..self }
    }

    /// Declares the query parameters of a handler whose parser refuses unknown ones itself.
    pub(crate) fn parsed_query(self, parameters: &'static [&'static str]) -> Self {
        Self { query: QueryRule::Parsed(parameters), ..self }
    }

    /// Declares the headers that the handler reads, by their names in `openapi/parameter.json`.
    pub(crate) fn headers(mut self, names: &'static [&'static str]) -> Self {
        self.description.headers = names;
        self
    }

    /// Declares a JSON body of the schema with this name.
    pub(crate) fn body(mut self, schema: &str) -> Self {
        self.description.body = Some(RequestBody::Json(schema.to_owned()));
        self
    }

    /// Declares a body of documents, in any format.
    pub(crate) fn documents(mut self) -> Self {
        self.description.body = Some(RequestBody::Documents);
        self
    }

    /// Adds sentences to the summary.
    pub(crate) fn text(mut self, text: &'static str) -> Self {
        self.description.text = Some(text);
        self
    }

    /// Puts the route into a group of the document.
    pub(crate) fn tag(mut self, tag: Tag) -> Self {
        self.description.tag = Some(tag);
        self
    }

    /// Declares a JSON response of the schema with this name.
    pub(crate) fn returns(self, status: u16, description: &'static str, schema: &str) -> Self {
        self.returns_with(status, description, schema, &[])
    }

    /// Declares a JSON response with headers beside `X-Request-Id`.
    pub(crate) fn returns_with(
        self,
        status: u16,
        description: &'static str,
        schema: &str,
        headers: &'static [&'static str],
    ) -> Self {
        let content = vec![(JSON, Schema::Named(schema.to_owned()))];
        self.response(DescribedResponse { status, description, headers, content })
    }

    /// Declares a response with one schema for each media type; with none, the response has no body.
    pub(crate) fn returns_media(
        self,
        status: u16,
        description: &'static str,
        content: Vec<(&'static str, Schema)>,
    ) -> Self {
        self.response(DescribedResponse { status, description, headers: &[], content })
    }

    fn response(mut self, response: DescribedResponse) -> Self {
        self.description.responses.push(response);
        self
    }

    /// Declares a write: 202 with its task, and the errors that keep a write from being accepted.
    pub(crate) fn writes(self) -> Self {
        self.returns_with(202, "The task of the write.", "TaskSummary", &["X-Miroir-Degraded"]).refuses(&[
            ErrorCode::MiroirStoreUnavailable,
            ErrorCode::MiroirNoQuorum,
            ErrorCode::MiroirNodeUnavailable,
            ErrorCode::MiroirMultiAliasNotWritable,
        ])
    }

    /// Declares a read of an index from nodes: 200, and the errors of such a read.
    pub(crate) fn reads(self, description: &'static str, schema: &str) -> Self {
        self.returns_with(200, description, schema, &["X-Miroir-Degraded"]).refuses(&[
            ErrorCode::MiroirStoreUnavailable,
            ErrorCode::IndexNotFound,
            ErrorCode::MiroirNodeUnavailable,
            ErrorCode::MiroirShardUnavailable,
        ])
    }

    /// Declares error codes.
    pub(crate) fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.description.errors.extend(codes);
        self
    }

    /// Declares every error code that begins with `prefix`.
    pub(crate) fn refuses_all(mut self, prefix: &str) -> Self {
        let codes = ErrorCode::ALL.iter().filter(|code| code.as_str().starts_with(prefix));
        self.description.errors.extend(codes);
        self
    }

    /// Returns the role whose holder must serve a request. Returns `None` if any instance may.
    pub(crate) fn role(&self, parameters: &[String]) -> Option<Role> {
        match self.served_by {
            ServedBy::Any => None,
            ServedBy::RoleHolder(role) => role(parameters),
        }
    }

    /// Runs the handler, unless the query has a parameter that the route does not accept.
    pub(crate) async fn handle(&self, apis: Arc<Apis>, request: Request) -> Outcome {
        self.query.check(&request.query)?;
        (self.handler)(apis, request).await
    }
}
