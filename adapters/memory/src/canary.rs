//! Tables 8 and 9, `canaries` and `canary_runs`.

use async_trait::async_trait;
use miroir_domain::canary::{Canary, CanaryRun};
use miroir_domain::row::{check_json, check_positive};
use miroir_ports::outbound::{CanaryTable, Create, Put, StoreError};

use crate::store::MemoryStore;
use crate::versioned::{create, page, put};

#[async_trait]
impl CanaryTable for MemoryStore {
    async fn canary_create(&self, canary: &Canary) -> Result<Create, StoreError> {
        canary.check()?;
        Ok(create(&mut self.data()?.canaries, canary.id.clone(), canary.clone()))
    }

    async fn canary_get(&self, id: &str) -> Result<Option<Canary>, StoreError> {
        Ok(self.data()?.canaries.get(id).cloned())
    }

    async fn canary_put(&self, canary: &Canary) -> Result<Put, StoreError> {
        canary.check()?;
        put(&mut self.data()?.canaries, &canary.id, canary.clone())
    }

    async fn canary_delete(&self, id: &str) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        data.canary_runs.remove(id);
        Ok(data.canaries.remove(id).is_some())
    }

    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Canary>, StoreError> {
        Ok(page(&self.data()?.canaries, after, limit))
    }

    async fn canary_run_append(&self, run: &CanaryRun, keep: u32) -> Result<bool, StoreError> {
        check_positive("the number of runs to keep", keep.into())?;
        check_json("the failed assertions of a run", &run.failed_assertions)?;
        let mut data = self.data()?;
        if !data.canaries.contains_key(&run.canary_id) {
            return Ok(false);
        }
        let runs = data.canary_runs.entry(run.canary_id.clone()).or_default();
        runs.insert(run.ran_at, run.clone());
        while runs.len() > keep as usize {
            runs.pop_first();
        }
        Ok(true)
    }

    async fn canary_run_list(&self, id: &str, limit: u32) -> Result<Vec<CanaryRun>, StoreError> {
        let data = self.data()?;
        let runs = data.canary_runs.get(id).into_iter().flat_map(|runs| runs.values().rev());
        Ok(runs.take(limit as usize).cloned().collect())
    }
}
