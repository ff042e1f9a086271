//! Calls to the server.

use miroir_ports::outbound::StoreError;
use redis::{Cmd, FromRedisValue, Script, ScriptInvocation};

use crate::error::{Effect, Subject, of_call};
use crate::keys::Table;
use crate::store::RedisStore;

/// The command or script of a call.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
}

impl RedisStore {
    /// Carries out one call. A read is tried once more if the connection broke under it, so that readers do
    /// not notice a restart of the server.
    pub(crate) async fn call<T: FromRedisValue>(
        &self,
        subject: Subject<'_>,
        request: Request<'_>,
    ) -> Result<T, StoreError> {
        self.check_open()?;
        let mut attempts = if subject.effect == Effect::Read { 2 } else { 1 };
        loop {
            let mut wire = self.link.wire().await?;
            let response = match request {
                Request::Command(command) => command.query_async(&mut wire.connection).await,
                Request::Script(script) => script.invoke_async(&mut wire.connection).await,
            };
            let error = match response {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            self.link.report(&wire, &error).await;
            attempts -= 1;
            if attempts == 0 || !error.is_connection_dropped() {
                return Err(of_call(error, subject));
            }
        }
    }

    /// Runs a command that only reads.
    pub(crate) async fn read<T: FromRedisValue>(
        &self,
        table: &'static str,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.call(Subject { effect: Effect::Read, table, key }, Request::Command(command)).await
    }

    /// Runs a script that only reads.
    pub(crate) async fn read_by<T: FromRedisValue>(
        &self,
        table: &'static str,
        key: &str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.call(Subject { effect: Effect::Read, table, key }, Request::Script(script)).await
    }

    /// Runs a command that sets the store up before it is used.
    pub(crate) async fn set_up<T: FromRedisValue>(
        &self,
        table: &'static str,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.call(Subject { effect: Effect::Write, table, key }, Request::Command(command)).await
    }

    /// Runs a script that changes something, made with [`changing!`]. It is refused if this handle is fenced
    /// off.
    pub(crate) async fn change_by<T: FromRedisValue>(
        &self,
        table: Table,
        key: &str,
        script: &mut ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.push_fence(table, script);
        self.call(Subject { effect: Effect::Write, table: table.name, key }, Request::Script(script)).await
    }

    /// Adds the arguments of `lua/fence.lua` to a script that changes `table`.
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

/// Creates the invocation of a script made of files under `lua/`, compiled into the binary and sent by its
/// hash.
macro_rules! script {
    ($($file:literal),+ $(,)?) => {{
        static SCRIPT: std::sync::LazyLock<redis::Script> =
            std::sync::LazyLock::new(|| redis::Script::new(concat!($(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", $file))),+)));
        $crate::call::invoke(&SCRIPT)
    }};
}
pub(crate) use script;

/// Creates the invocation of a script that changes something: it checks the fence first.
macro_rules! changing {
    ($($file:literal),+ $(,)?) => {
        $crate::call::script!("lua/fence.lua", $($file),+)
    };
}
pub(crate) use changing;

/// Returns an invocation, to which keys and arguments are added.
pub(crate) fn invoke(script: &'static Script) -> ScriptInvocation<'static> {
    script.prepare_invoke()
}
