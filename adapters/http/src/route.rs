//! One route: a method of a path, who may use it, where it is answered and by what.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use miroir_domain::role::Role;

use crate::Apis;
use crate::query_rule::QueryRule;
use crate::reply::Outcome;
use crate::request::Request;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everyone, however busy Miroir is.
    Open,
    /// Who has the master key.
    Client,
    /// Who has the admin key.
    Admin,
}

/// Which instance answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnsweredBy {
    /// Any.
    Anyone,
    /// The one that does what the parameters of the path name; any, when they name nothing.
    RoleHolder(fn(&[String]) -> Option<Role>),
}

type Handler = Box<dyn Fn(Arc<Apis>, Request) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// One method of one path.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path, with `{names}` for its parameters.
    pub(crate) template: String,
    pub(crate) access: Access,
    /// False where the answer is that a cluster cannot do it.
    pub(crate) supported: bool,
    answered_by: AnsweredBy,
    pub(crate) query: QueryRule,
    handler: Handler,
}

impl Route {
    pub(crate) fn new<F, Fut>(method: Method, template: impl Into<String>, access: Access, handler: F) -> Self
    where
        F: Fn(Arc<Apis>, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let handler: Handler = Box::new(move |apis, request| handler(apis, request).boxed());
        let changes = ![Method::GET, Method::HEAD].contains(&method);
        let answered_by =
            if changes { AnsweredBy::RoleHolder(|_| Some(Role::Writes)) } else { AnsweredBy::Anyone };
        Self {
            method,
            template: template.into(),
            access,
            supported: true,
            answered_by,
            query: QueryRule::Ignored,
            handler,
        }
    }

    /// A route for clients. What is neither a `GET` nor said to be [`Route::anywhere`] changes something, so the instance
    /// that puts writes in order answers it.
    pub(crate) fn client<F, Fut>(method: Method, template: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Arc<Apis>, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        Self::new(method, template, Access::Client, handler)
    }

    /// The same route, listed as one that a cluster does not have yet.
    pub(crate) fn unsupported(self) -> Self {
        Self { supported: false, answered_by: AnsweredBy::Anyone, ..self }
    }

    /// The same route, which changes nothing whatever its method says.
    pub(crate) fn anywhere(self) -> Self {
        Self { answered_by: AnsweredBy::Anyone, ..self }
    }

    /// The same route, answered by the instance that does what `role` makes of the parameters of the path.
    pub(crate) fn kept_by(self, role: fn(&[String]) -> Option<Role>) -> Self {
        Self { answered_by: AnsweredBy::RoleHolder(role), ..self }
    }

    /// Declares the query parameters by their names in `openapi/parameter.json`. Unknown ones are refused.
    pub(crate) fn query(self, parameters: &'static [&'static str]) -> Self {
        Self { query: QueryRule::Only(parameters), ..self }
    }

    /// Declares the query parameters of a handler whose parser refuses unknown ones itself.
    pub(crate) fn parsed_query(self, parameters: &'static [&'static str]) -> Self {
        Self { query: QueryRule::Parsed(parameters), ..self }
    }

    /// Whether any instance answers it.
    #[cfg(test)]
    pub(crate) fn is_answered_anywhere(&self) -> bool {
        matches!(self.answered_by, AnsweredBy::Anyone)
    }

    /// What the instance that answers must do; none when any may answer.
    pub(crate) fn role(&self, parameters: &[String]) -> Option<Role> {
        match self.answered_by {
            AnsweredBy::Anyone => None,
            AnsweredBy::RoleHolder(role) => role(parameters),
        }
    }

    /// Runs the handler, unless the query has a parameter that the route does not take.
    pub(crate) async fn handle(&self, apis: Arc<Apis>, request: Request) -> Outcome {
        self.query.check(&request.query)?;
        (self.handler)(apis, request).await
    }
}
