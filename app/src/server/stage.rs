//! What requests meet at this moment: the services over the cluster as this instance may use it now.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search::SearchRequest;
use miroir_http::Apis;
use miroir_ports::inbound::{
    ApiError, CanaryApi, ChangeFeed, ClusterApi, InstanceApi, ReadResponse, SearchApi, SinkApi,
};
use tokio::sync::watch;

use crate::alias::{AliasBook, AliasService, Aliased};
use crate::cluster::Cluster;
use crate::service::{
    ClusterService, DocumentService, IndexService, JobService, SearchService, SettingsService, TaskService,
};

/// The services that stay, whoever sends the writes.
pub(super) struct Standing {
    pub(super) search: Arc<dyn SearchApi>,
    pub(super) canary: Arc<dyn CanaryApi>,
    pub(super) feed: Arc<dyn ChangeFeed>,
    pub(super) sink: Arc<dyn SinkApi>,
    pub(super) instance: Arc<dyn InstanceApi>,
}

/// Shows requests what they meet. An instance that does not send the writes reads the cluster only; one that does works on a
/// cluster of its own for each term, so that nothing of an earlier term is left in it.
pub(super) struct Stage {
    book: Arc<AliasBook>,
    standing: Standing,
    reader: Arc<Cluster>,
    search: watch::Sender<Arc<dyn SearchApi>>,
    apis: watch::Sender<Arc<Apis>>,
}

/// Searches the cluster that is shown at the moment.
pub(super) struct CurrentSearch(watch::Receiver<Arc<dyn SearchApi>>);

#[async_trait]
impl SearchApi for CurrentSearch {
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError> {
        let current = Arc::clone(&self.0.borrow());
        current.search(index, request).await
    }
}

/// The sender of what is searched at the moment, at first `reader`.
pub(super) fn searched(
    book: &Arc<AliasBook>,
    reader: &Arc<Cluster>,
) -> (watch::Sender<Arc<dyn SearchApi>>, CurrentSearch) {
    let (sender, receiver) = watch::channel(search_of(book, reader));
    (sender, CurrentSearch(receiver))
}

fn search_of(book: &Arc<AliasBook>, cluster: &Arc<Cluster>) -> Arc<dyn SearchApi> {
    Arc::new(Aliased::new(book, Arc::new(SearchService::new(Arc::clone(cluster)))))
}

impl Stage {
    /// A stage that shows `reader`.
    pub(super) fn new(
        book: Arc<AliasBook>,
        standing: Standing,
        reader: Arc<Cluster>,
        search: watch::Sender<Arc<dyn SearchApi>>,
    ) -> Self {
        reader.metrics.watch_cluster(&reader);
        let apis = watch::Sender::new(Arc::new(apis(&book, &standing, &reader)));
        Self { book, standing, reader, search, apis }
    }

    /// What requests meet.
    pub(super) fn apis(&self) -> watch::Receiver<Arc<Apis>> {
        self.apis.subscribe()
    }

    /// The cluster as this instance itself knows it.
    pub(super) fn cluster(&self) -> Arc<dyn ClusterApi> {
        Arc::clone(&self.apis.borrow().cluster)
    }

    /// Shows `cluster` until the guard is dropped.
    pub(super) fn show(self: &Arc<Self>, cluster: &Arc<Cluster>) -> Shown {
        self.put(cluster);
        Shown(Arc::clone(self))
    }

    fn put(&self, cluster: &Arc<Cluster>) {
        cluster.metrics.watch_cluster(cluster);
        self.search.send_replace(search_of(&self.book, cluster));
        self.apis.send_replace(Arc::new(apis(&self.book, &self.standing, cluster)));
    }
}

/// Held as long as the cluster of a term is shown.
pub(super) struct Shown(Arc<Stage>);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.put(&self.0.reader);
    }
}

fn apis(book: &Arc<AliasBook>, standing: &Standing, cluster: &Arc<Cluster>) -> Apis {
    let index = Arc::new(IndexService::new(Arc::clone(cluster)));
    let document = Arc::new(DocumentService::new(Arc::clone(cluster)));
    let settings = Arc::new(SettingsService::new(Arc::clone(cluster)));
    let task = Arc::new(TaskService::new(Arc::clone(cluster)));
    Apis {
        index: Arc::new(Aliased::new(book, index)),
        document: Arc::new(Aliased::new(book, document)),
        settings: Arc::new(Aliased::new(book, settings)),
        task: Arc::new(Aliased::new(book, task)),
        alias: Arc::new(AliasService::new(Arc::clone(cluster), Arc::clone(book))),
        cluster: Arc::new(ClusterService::new(Arc::clone(cluster))),
        search: Arc::clone(&standing.search),
        canary: Arc::clone(&standing.canary),
        feed: Arc::clone(&standing.feed),
        sink: Arc::clone(&standing.sink),
        instance: Arc::clone(&standing.instance),
        metrics: Arc::clone(&cluster.metrics) as _,
        observer: Arc::clone(&cluster.metrics) as _,
        job: Arc::new(JobService::new(Arc::clone(&cluster.store))),
    }
}
