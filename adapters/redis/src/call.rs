//! How a call reaches the server and its answer comes back.

use miroir_ports::outbound::StoreError;
use redis::{Cmd, FromRedisValue, Script, ScriptInvocation};

use crate::error::{Effect, Subject, of_call};
use crate::keys::Table;
use crate::store::RedisStore;

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
}

impl RedisStore {
    /// Carries out one call. One that only looks is tried once more when the connection broke under it, so that a server that
    /// was restarted is noticed by nobody who reads.
    pub(crate) async fn call<T: FromRedisValue>(
        &self,
        subject: Subject<'_>,
        request: Request<'_>,
    ) -> Result<T, StoreError> {
        self.check_open()?;
        let mut attempts = if subject.effect == Effect::Read { 2 } else { 1 };
        loop {
            let mut wire = self.link.wire().await?;
            let answer = match request {
                Request::Command(command) => command.query_async(&mut wire.connection).await,
                Request::Script(script) => script.invoke_async(&mut wire.connection).await,
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.link.report(&wire, &error).await;
            attempts -= 1;
            if attempts == 0 || !error.is_connection_dropped() {
                return Err(of_call(error, subject));
            }
        }
    }

    /// A command that only looks.
    pub(crate) async fn look<T: FromRedisValue>(
        &self,
        table: &'static str,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.call(Subject { effect: Effect::Read, table, key }, Request::Command(command)).await
    }

    /// A script that only looks.
    pub(crate) async fn look_by<T: FromRedisValue>(
        &self,
        table: &'static str,
        key: &str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.call(Subject { effect: Effect::Read, table, key }, Request::Script(script)).await
    }

    /// A command that sets something up, before the store is used.
    pub(crate) async fn set_up<T: FromRedisValue>(
        &self,
        table: &'static str,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.call(Subject { effect: Effect::Write, table, key }, Request::Command(command)).await
    }

    /// A script that changes something, made with [`changing!`]: refused when this handle is fenced off.
    pub(crate) async fn change_by<T: FromRedisValue>(
        &self,
        table: Table,
        key: &str,
        script: &mut ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.push_fence(table, script);
        self.call(Subject { effect: Effect::Write, table: table.name, key }, Request::Script(script)).await
    }

    /// Adds to a script that changes `table` what `lua/fence.lua` must know.
    fn push_fence(&self, table: Table, script: &mut ScriptInvocation<'_>) {
        match self.fence.lock().as_ref() {
            Some(fence) => script.key(self.fence_key(table, &fence.scope)).arg(fence.token),
            None => script.arg(""),
        };
    }

    pub(crate) fn fence_key(&self, table: Table, scope: &str) -> String {
        self.keys.own(table, &format!("_fence:{scope}"))
    }
}

/// A script made of files under `lua/`, compiled into the binary and known to the server by its hash.
macro_rules! script {
    ($($file:literal),+ $(,)?) => {{
        static SCRIPT: std::sync::LazyLock<redis::Script> =
            std::sync::LazyLock::new(|| redis::Script::new(concat!($(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", $file))),+)));
        $crate::call::invoke(&SCRIPT)
    }};
}
pub(crate) use script;

/// A script that changes something: it looks at the fence first.
macro_rules! changing {
    ($($file:literal),+ $(,)?) => {
        $crate::call::script!("lua/fence.lua", $($file),+)
    };
}
pub(crate) use changing;

/// The beginning of an invocation, to which keys and arguments are added.
pub(crate) fn invoke(script: &'static Script) -> ScriptInvocation<'static> {
    script.prepare_invoke()
}
