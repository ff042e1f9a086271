//! One route: a method of a path, who may use it, and what answers it.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;

use crate::Apis;
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

type Handler = Box<dyn Fn(Arc<Apis>, Request) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// One method of one path.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path, with `{names}` for its parameters.
    pub(crate) template: String,
    pub(crate) access: Access,
    /// False where the answer is that a cluster cannot do it.
    pub(crate) supported: bool,
    handler: Handler,
}

impl Route {
    pub(crate) fn new<F, Fut>(method: Method, template: impl Into<String>, access: Access, handler: F) -> Self
    where
        F: Fn(Arc<Apis>, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let handler: Handler = Box::new(move |apis, request| handler(apis, request).boxed());
        Self { method, template: template.into(), access, supported: true, handler }
    }

    /// A route for clients.
    pub(crate) fn client<F, Fut>(method: Method, template: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Arc<Apis>, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        Self::new(method, template, Access::Client, handler)
    }

    /// The same route, listed as one that a cluster does not have yet.
    pub(crate) fn unsupported(self) -> Self {
        Self { supported: false, ..self }
    }

    pub(crate) fn handle(&self, apis: Arc<Apis>, request: Request) -> BoxFuture<'static, Outcome> {
        (self.handler)(apis, request)
    }
}
