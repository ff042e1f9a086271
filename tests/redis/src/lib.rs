//! A real `redis-server` for tests.

mod any;
mod reply;
mod server;

pub use any::AnyRedis;
pub use miroir_test_server::free_address;
pub use server::{Redis, RedisServer};
