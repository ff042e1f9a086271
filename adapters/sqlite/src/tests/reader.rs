//! Reads: many at once, beside the writer, and unable to write.

use std::sync::Arc;

use miroir_domain::TaskUid;
use miroir_ports::outbound::{StoreStatus as _, TaskTable as _};
use tokio::task::JoinSet;

use super::{BlockedWriter, Folder, at, new_task};
use crate::{SqliteOptions, SqliteStore};

#[tokio::test]
async fn reads_succeed_with_more_callers_than_connections() {
    let folder = Folder::new();
    let store = Arc::new(SqliteStore::open(SqliteOptions { readers: 1, ..folder.options() }).await.unwrap());
    store.task_create(new_task(), at(1)).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.task_get(TaskUid(0)).await.unwrap().is_some() });
    }
    assert!(callers.join_all().await.into_iter().all(|found| found));
}

/// On a runtime of one thread, a call that blocked it would never let this test end.
#[tokio::test]
async fn reads_and_the_runtime_go_on_while_the_writer_is_blocked() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.task_create(new_task(), at(1)).await.unwrap();
    let blocked = BlockedWriter::block(&store).await;
    let (waiting, read) = (store.task_create(new_task(), at(1)), store.task_get(TaskUid(0)));
    let mut waiting = std::pin::pin!(waiting);
    tokio::select! {
        biased;
        created = &mut waiting => panic!("{created:?} while the writer was held up"),
        read = read => assert!(read.unwrap().is_some()),
    }
    blocked.release().await;
    assert_eq!(waiting.await.unwrap().uid, TaskUid(1));
}

#[tokio::test]
async fn connections_of_the_pool_cannot_write() {
    let folder = Folder::new();
    let store = folder.open().await;
    let refused = store.read(|connection| Ok(connection.execute("DELETE FROM tasks", [])?)).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("cannot be written"), "{text}");
}

#[tokio::test]
async fn dropped_read_returns_its_connection() {
    let folder = Folder::new();
    let store = SqliteStore::open(SqliteOptions { readers: 1, ..folder.options() }).await.unwrap();
    for _ in 0..20 {
        let mut read = Box::pin(store.task_get(TaskUid(0)));
        assert!(futures_poll(&mut read).await.is_none_or(|result| result.unwrap().is_none()));
    }
    assert_eq!(store.task_get(TaskUid(0)).await.unwrap(), None);
}

/// Polls a future once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn close_waits_for_reads_and_refuses_later_ones() {
    let folder = Folder::new();
    let store = folder.open().await;
    let (started, start) = tokio::sync::oneshot::channel();
    let (hold, released) = std::sync::mpsc::channel::<()>();
    let reading = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .read(move |_| {
                    started.send(()).unwrap();
                    let _ = released.recv();
                    Ok(7)
                })
                .await
        })
    };
    start.await.unwrap();
    let closing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.store_close().await })
    };
    tokio::task::yield_now().await;
    assert!(!closing.is_finished());
    drop(hold);
    assert_eq!(reading.await.unwrap().unwrap(), 7);
    closing.await.unwrap().unwrap();
    let text = store.task_get(TaskUid(0)).await.unwrap_err().to_string();
    assert!(text.contains("is closed"), "{text}");
}
