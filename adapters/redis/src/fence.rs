//! Fences: a handle that led, and leads no more, changes nothing.
//!
//! Each table has a fence of its own, beside its rows and in their slot: the greatest token that a leader has fenced it with.
//! Scripts that change something are given the token of their handle and compare.

use miroir_ports::outbound::StoreError;
use parking_lot::Mutex;
use redis::ScriptInvocation;

use crate::RedisStore;
use crate::call::script;
use crate::error::{Effect, Subject, fenced};
use crate::keys::{ALL, Table};

/// The term that a handle's changes are part of.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    scope: String,
    token: u64,
}

/// The fence of a handle, if it has one.
pub(crate) type FenceCell = Mutex<Option<Fence>>;

impl RedisStore {
    /// Raises the fence of every table to `token`, and puts this handle behind it.
    pub(crate) async fn raise_fence(&self, scope: &str, token: u64) -> Result<(), StoreError> {
        for table in ALL {
            let mut script = script!("lua/fence_raise.lua");
            script.key(self.fence_key(table, scope)).arg(token);
            let subject = Subject { effect: Effect::Write, table: table.name, key: scope };
            let raised: bool = self.call(subject, crate::call::Request::Script(&script)).await?;
            if !raised {
                return Err(fenced());
            }
        }
        *self.fence.lock() = Some(Fence { scope: scope.to_owned(), token });
        Ok(())
    }

    /// Adds to a script that changes `table` what `lua/fence.lua` must know.
    pub(crate) fn push_fence(&self, table: Table, script: &mut ScriptInvocation<'_>) {
        match self.fence.lock().as_ref() {
            Some(fence) => script.key(self.fence_key(table, &fence.scope)).arg(fence.token),
            None => script.arg(""),
        };
    }

    fn fence_key(&self, table: Table, scope: &str) -> String {
        self.keys.own(table, &format!("_fence:{scope}"))
    }
}
