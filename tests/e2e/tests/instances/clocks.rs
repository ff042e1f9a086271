//! Instances with clocks that differ by minutes.

use std::sync::Arc;
use std::time::Duration;

use miroir_core::instance::{HeldLease, LeaseTimings};
use miroir_domain::Timestamp;
use miroir_ports::outbound::{Clock, TaskStore};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_system::ManualClock;
use miroir_test_redis::RedisServer;

const TTL: Duration = Duration::from_secs(1);

async fn store(server: &RedisServer) -> Arc<dyn TaskStore> {
    Arc::new(RedisStore::open(RedisOptions::new(server.url())).await.unwrap())
}

async fn take(store: &Arc<dyn TaskStore>, clock: &Arc<dyn Clock>, who: &str) -> Option<HeldLease> {
    HeldLease::acquire(store, clock, "writes", who, LeaseTimings::new(TTL)).await.unwrap()
}

#[tokio::test]
async fn lease_expires_by_the_clock_of_the_store() {
    let server = RedisServer::start();
    let (behind, ahead) = (store(&server).await, store(&server).await);
    let hour = 3_600_000;
    let slow: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let fast: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000 * hour)));
    let held = take(&behind, &slow, "behind").await.unwrap();
    // By the clock of the other instance the lease ended long ago. The holder renews it meanwhile.
    for _ in 0..30 {
        assert!(take(&ahead, &fast, "ahead").await.is_none(), "the lease has two holders");
        assert!(held.validity().is_valid());
        tokio::time::sleep(TTL / 20).await;
    }
    held.release().await;
    let next = take(&ahead, &fast, "ahead").await.unwrap();
    assert_eq!(next.token(), 2);
    assert!(take(&behind, &slow, "behind").await.is_none(), "the lease has two holders");
}
