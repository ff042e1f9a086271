//! The inbound port of the canaries.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::canary::{Canary, CanaryId, CaptureRequest, Definition};
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::{
    ApiError, CanaryApi, CanaryList, CanaryOverview, CanaryPrecondition, CanaryReplaced, CanaryRunList,
    CanaryRunView, CanaryTotals, CanaryView, CaptureStarted,
};
use miroir_ports::outbound::{Create, Ids, Put};

use super::capture::Captures;
use super::executor::Executor;
use super::listing::every_canary;
use super::ownership::Ownership;
use super::view;
use crate::detached::detached;
use crate::listing;

/// The number of attempts of a replacement without a precondition, while other clients change the canary.
const ATTEMPTS: usize = 10;

/// Implements [`CanaryApi`].
#[derive(Clone)]
pub struct CanaryService {
    executor: Arc<Executor>,
    ownership: Arc<dyn Ownership>,
    captures: Arc<Captures>,
    ids: Arc<dyn Ids>,
}

impl CanaryService {
    /// Makes a service that runs canaries with `executor` and begins captures in `captures`.
    pub fn new(
        executor: Arc<Executor>,
        ownership: Arc<dyn Ownership>,
        captures: Arc<Captures>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { executor, ownership, captures, ids }
    }

    /// Returns the number of runs since this process started.
    pub fn totals(&self) -> CanaryTotals {
        self.executor.totals()
    }

    async fn load(&self, id: &CanaryId) -> Result<Canary, ApiError> {
        self.executor.store.canary_get(id.as_str()).await?.ok_or_else(|| not_found(id))
    }

    async fn replace(
        &self,
        id: &CanaryId,
        definition: &Definition,
        precondition: CanaryPrecondition,
    ) -> Result<CanaryReplaced, ApiError> {
        let store = &self.executor.store;
        for _ in 0..ATTEMPTS {
            let Some(stored) = store.canary_get(id.as_str()).await? else {
                if precondition != CanaryPrecondition::None {
                    return Err(mismatch(id, "is not there"));
                }
                let row = definition.to_row(id, self.executor.clock.now(), 1);
                if store.canary_create(&row).await? == Create::Created {
                    return Ok(CanaryReplaced { canary: view::canary(row), created: true });
                }
                continue;
            };
            if let CanaryPrecondition::Version(version) = precondition
                && version != stored.version
            {
                return Err(mismatch(id, &format!("has version {}, not {version}", stored.version)));
            }
            let row = definition.to_row(id, stored.created_at, stored.version);
            if store.canary_put(&row).await? == Put::Stored {
                // The store has raised the version. It does not store a canary whose version cannot be
                // raised.
                let row = Canary { version: row.version.saturating_add(1), ..row };
                return Ok(CanaryReplaced { canary: view::canary(row), created: false });
            }
        }
        Err(mismatch(id, "was changed by other clients during every attempt"))
    }

    async fn run_now(&self, id: &CanaryId) -> Result<CanaryRunView, ApiError> {
        let closed = |_| ApiError::Internal("the semaphore of the canaries is closed".to_owned());
        let _permit = self.executor.permits.acquire().await.map_err(closed)?;
        // Loaded after the wait for a permit, so that the present definition runs.
        let canary = self.load(id).await?;
        // Keeps the schedule from beginning a second run. The canary may be running already.
        let _running = self.executor.begin(&canary.id);
        // If several instances share the store, requests reach the instance that owns the canary, unless
        // schedules are disabled.
        let store = self.ownership.owned(&canary.id).unwrap_or_else(|| Arc::clone(&self.executor.store));
        let (run, recorded) = self.executor.run(&canary, store.as_ref()).await;
        if recorded? { Ok(view::run(run)) } else { Err(not_found(id)) }
    }
}

fn not_found(id: &CanaryId) -> ApiError {
    ApiError::refused(ErrorCode::MiroirCanaryNotFound, format!("Canary `{id}` not found."))
}

fn mismatch(id: &CanaryId, why: &str) -> ApiError {
    ApiError::refused(ErrorCode::MiroirCanaryVersionMismatch, format!("Canary `{id}` {why}."))
}

fn refuse_configured(id: &CanaryId) -> Result<(), ApiError> {
    if !id.is_configured() {
        return Ok(());
    }
    let message = format!(
        "Canary `{id}` belongs to the configuration: change `canary.definitions` there and restart Miroir."
    );
    Err(ApiError::refused(ErrorCode::MiroirCanaryConfigured, message))
}

#[async_trait]
impl CanaryApi for CanaryService {
    async fn canary_create(&self, definition: Definition) -> Result<CanaryView, ApiError> {
        let id = match definition.id() {
            Some(id) => id.clone(),
            None => CanaryId::of_name(&self.ids.unique_id())?,
        };
        let row = definition.to_row(&id, self.executor.clock.now(), 1);
        match self.executor.store.canary_create(&row).await? {
            Create::Created => Ok(view::canary(row)),
            Create::Exists => {
                let message = format!("Canary `{id}` already exists.");
                Err(ApiError::refused(ErrorCode::MiroirCanaryExists, message))
            }
        }
    }

    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<CanaryList, ApiError> {
        let list = |after, limit| self.executor.store.canary_list(after, limit);
        let (rows, next) = listing::page(list, |row: &Canary| row.id.clone(), after, limit).await?;
        Ok(CanaryList { results: rows.into_iter().map(view::canary).collect(), limit, next })
    }

    async fn canary_get(&self, id: CanaryId) -> Result<CanaryView, ApiError> {
        Ok(view::canary(self.load(&id).await?))
    }

    async fn canary_replace(
        &self,
        id: CanaryId,
        definition: Definition,
        precondition: CanaryPrecondition,
    ) -> Result<CanaryReplaced, ApiError> {
        refuse_configured(&id)?;
        self.replace(&id, &definition, precondition).await
    }

    async fn canary_delete(&self, id: CanaryId) -> Result<(), ApiError> {
        refuse_configured(&id)?;
        if !self.executor.store.canary_delete(id.as_str()).await? {
            return Err(not_found(&id));
        }
        self.executor.forget(id.as_str());
        Ok(())
    }

    async fn canary_run(&self, id: CanaryId) -> Result<CanaryRunView, ApiError> {
        // Recorded even if the client closes its connection.
        let service = self.clone();
        detached(async move { service.run_now(&id).await }).await
    }

    async fn canary_runs(&self, id: CanaryId, limit: u32) -> Result<CanaryRunList, ApiError> {
        self.load(&id).await?;
        let runs = self.executor.store.canary_run_list(id.as_str(), limit).await?;
        Ok(CanaryRunList { results: runs.into_iter().map(view::run).collect(), limit })
    }

    async fn canary_status(&self) -> Result<CanaryOverview, ApiError> {
        let store = &self.executor.store;
        let mut results = Vec::new();
        for canary in every_canary(store.as_ref()).await? {
            let runs = store.canary_run_list(&canary.id, self.executor.options.history).await?;
            results.push(view::summary(canary, runs, self.executor.clock.now()));
        }
        Ok(CanaryOverview { results, totals: self.totals() })
    }

    async fn canary_capture(&self, request: CaptureRequest) -> Result<CaptureStarted, ApiError> {
        let CaptureRequest { index, count, name } = request.clone();
        let until = self.captures.begin(request);
        let message = format!(
            "The next {count} different searches of `{index}` until {until} become disabled canaries: check their \
             assertions, then enable them."
        );
        Ok(CaptureStarted { index, count, name, until, message })
    }
}
