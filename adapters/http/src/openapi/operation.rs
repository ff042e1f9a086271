//! One operation of the document: a method of a path, what it takes and answers.

use miroir_domain::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::component;
use super::refusal::Refusals;
use crate::content::{CSV, JSON, NDJSON};
use crate::route::Access;

/// A reference to a shared part.
fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// An operation, described step by step.
pub(super) struct Operation {
    method: &'static str,
    template: String,
    id: String,
    summary: String,
    description: Option<&'static str>,
    tag: &'static str,
    access: Access,
    anywhere: bool,
    parameters: Vec<String>,
    body: Option<Value>,
    answers: Map<String, Value>,
    refusals: Refusals,
}

impl Operation {
    /// A client's operation; `id` names it for generators of clients, `summary` for people.
    pub(super) fn new(
        method: &'static str,
        template: impl Into<String>,
        id: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        let template = template.into();
        let mut refusals = Refusals::default();
        refusals.add_own_statuses(&[431]);
        refusals.add(&[ErrorCode::Internal, ErrorCode::MiroirTimeout]);
        let names = template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters: Vec<String> = names.map(str::to_owned).collect();
        Self {
            method,
            id: id.into(),
            summary: summary.into(),
            description: None,
            tag: "client",
            access: Access::Client,
            anywhere: method == "GET",
            parameters,
            body: None,
            answers: Map::new(),
            refusals,
            template,
        }
    }

    /// What an operation refuses for its path, where that names an index.
    fn checks_its_index(self) -> Self {
        if self.template.contains("{index_uid}") { self.refuses(&[ErrorCode::InvalidIndexUid]) } else { self }
    }

    pub(super) fn method(&self) -> &str {
        self.method
    }

    pub(super) fn template(&self) -> &str {
        &self.template
    }

    #[cfg(test)]
    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Whether any instance answers it, rather than the one that does it for all.
    #[cfg(test)]
    pub(super) fn is_answered_anywhere(&self) -> bool {
        self.anywhere
    }

    /// It changes nothing, whatever its method says.
    pub(super) fn anywhere(self) -> Self {
        Self { anywhere: true, ..self }
    }

    pub(super) fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    pub(super) fn description(self, description: &'static str) -> Self {
        Self { description: Some(description), ..self }
    }

    /// Whoever asks is answered, however busy Miroir is.
    pub(super) fn open(self) -> Self {
        Self { access: Access::Open, ..self }
    }

    /// Only who has the admin key is answered.
    pub(super) fn admin(self) -> Self {
        Self { access: Access::Admin, ..self }
    }

    /// Query parameters and headers, by the names of the shared ones. An unknown parameter of a query is refused.
    pub(super) fn takes(mut self, names: &[&str]) -> Self {
        self.parameters.extend(names.iter().map(|name| (*name).to_owned()));
        self.refuses(&[ErrorCode::BadRequest])
    }

    /// Every shared parameter whose name begins with `prefix`.
    pub(super) fn takes_all(mut self, prefix: &str) -> Self {
        self.parameters.extend(component::parameter_names(prefix));
        self.refuses(&[ErrorCode::BadRequest])
    }

    /// A JSON body.
    pub(super) fn body(self, schema: &str) -> Self {
        let content = json!({ JSON: { "schema": reference("schemas", schema) } });
        self.with_body(&content)
    }

    /// Documents in any format there is.
    pub(super) fn documents(self) -> Self {
        let content = json!({
            JSON: { "schema": reference("schemas", "Documents") },
            NDJSON: { "schema": { "type": "string" }, "example": "{\"id\":1,\"title\":\"Metropolis\"}\n" },
            CSV: { "schema": { "type": "string" }, "example": "id,title,year:number\n1,Metropolis,1927\n" },
        });
        self.with_body(&content)
    }

    fn with_body(mut self, content: &Value) -> Self {
        self.body = Some(json!({ "required": true, "content": content }));
        self.refusals.add_own_statuses(&[408]);
        self.refuses(&[
            ErrorCode::BadRequest,
            ErrorCode::MissingPayload,
            ErrorCode::MalformedPayload,
            ErrorCode::PayloadTooLarge,
            ErrorCode::MissingContentType,
            ErrorCode::InvalidContentType,
        ])
    }

    /// An answer of JSON.
    pub(super) fn answers(self, status: u16, what: &str, schema: &str) -> Self {
        self.answers_with(status, what, schema, &[])
    }

    /// An answer of JSON with headers beside `X-Request-Id`.
    pub(super) fn answers_with(self, status: u16, what: &str, schema: &str, headers: &[&str]) -> Self {
        let content = json!({ JSON: { "schema": reference("schemas", schema) } });
        self.answer(status, what, headers, Some(content))
    }

    /// An answer in a form of its own, or none but its status.
    pub(super) fn answer(
        mut self,
        status: u16,
        what: &str,
        headers: &[&str],
        content: Option<Value>,
    ) -> Self {
        let names = std::iter::once("X-Request-Id").chain(headers.iter().copied());
        let headers: Map<String, Value> =
            names.map(|name| (name.to_owned(), reference("headers", name))).collect();
        let mut answer = json!({ "description": what, "headers": headers });
        if let Some(content) = content {
            answer["content"] = content;
        }
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// 202 with the task of a write, and all that keeps a write from being taken.
    pub(super) fn writes(self) -> Self {
        self.answers_with(202, "The task that the write became.", "TaskSummary", &["X-Miroir-Degraded"])
            .refuses(&[
                ErrorCode::MiroirStoreUnavailable,
                ErrorCode::MiroirNoQuorum,
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirMultiAliasNotWritable,
            ])
            .checks_its_index()
    }

    /// 200 with what nodes hold of an index that must be there.
    pub(super) fn reads(self, what: &str, schema: &str) -> Self {
        self.answers_with(200, what, schema, &["X-Miroir-Degraded"])
            .refuses(&[
                ErrorCode::MiroirStoreUnavailable,
                ErrorCode::IndexNotFound,
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirShardUnavailable,
            ])
            .checks_its_index()
    }

    /// Error codes it can give, each under its status.
    pub(super) fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.refusals.add(codes);
        self
    }

    /// Every error code that begins with `prefix`.
    pub(super) fn refuses_all(mut self, prefix: &str) -> Self {
        for code in ErrorCode::ALL.iter().filter(|code| code.as_str().starts_with(prefix)) {
            self.refusals.add(&[*code]);
        }
        self
    }

    fn security(&self) -> Value {
        match self.access {
            Access::Open => json!([]),
            Access::Client => json!([{ "masterKey": [] }]),
            Access::Admin => json!([{ "adminKey": [] }, { "adminKeyHeader": [] }]),
        }
    }

    /// The operation as the document has it.
    pub(super) fn to_json(&self) -> Value {
        let mut refusals = self.refusals.clone();
        if !self.anywhere {
            refusals.add(&[ErrorCode::MiroirNoLeader, ErrorCode::MiroirStoreUnavailable]);
        }
        match self.access {
            Access::Open => {}
            Access::Client => refusals.add(&[
                ErrorCode::MissingAuthorizationHeader,
                ErrorCode::InvalidApiKey,
                ErrorCode::MiroirOverloaded,
            ]),
            Access::Admin => refusals.add(&[ErrorCode::MiroirInvalidAuth, ErrorCode::MiroirOverloaded]),
        }
        let mut json = json!({ "operationId": self.id, "summary": self.summary, "tags": [self.tag] });
        if let Some(description) = self.description {
            json["description"] = description.into();
        }
        json["security"] = self.security();
        if !self.parameters.is_empty() {
            json["parameters"] = self.parameters.iter().map(|name| reference("parameters", name)).collect();
        }
        if let Some(body) = &self.body {
            json["requestBody"] = body.clone();
        }
        let mut answers = self.answers.clone();
        refusals.describe(&mut answers);
        json["responses"] = answers.into();
        json
    }
}
