//! The actions that a key can allow.

/// All of them, in the order in which error messages list them.
pub(super) const ACTIONS: [&str; 58] = [
    "*",
    "search",
    "documents.*",
    "documents.add",
    "documents.get",
    "documents.delete",
    "indexes.*",
    "indexes.create",
    "indexes.get",
    "indexes.update",
    "indexes.delete",
    "indexes.swap",
    "tasks.*",
    "tasks.cancel",
    "tasks.delete",
    "tasks.get",
    "settings.*",
    "settings.get",
    "settings.update",
    "stats.*",
    "stats.get",
    "metrics.*",
    "metrics.get",
    "dumps.*",
    "dumps.create",
    "snapshots.*",
    "snapshots.create",
    "version",
    "keys.create",
    "keys.get",
    "keys.update",
    "keys.delete",
    "experimental.get",
    "experimental.update",
    "export",
    "network.get",
    "network.update",
    "chatCompletions",
    "chats.*",
    "chats.get",
    "chats.delete",
    "chatsSettings.*",
    "chatsSettings.get",
    "chatsSettings.update",
    "*.get",
    "webhooks.get",
    "webhooks.update",
    "webhooks.delete",
    "webhooks.create",
    "webhooks.*",
    "indexes.compact",
    "fields.post",
    "tasks.compact",
    "dynamicSearchRules.get",
    "dynamicSearchRules.create",
    "dynamicSearchRules.update",
    "dynamicSearchRules.delete",
    "dynamicSearchRules.*",
];

/// The first words of the actions that concern the whole server.
const GLOBAL: [&str; 12] = [
    "chats",
    "chatsSettings",
    "dumps",
    "dynamicSearchRules",
    "experimental",
    "export",
    "keys",
    "metrics",
    "network",
    "snapshots",
    "version",
    "webhooks",
];

/// Returns whether an action concerns the whole server, so that a key that is limited to some indexes cannot
/// allow it.
fn is_global(action: &str) -> bool {
    let word = action.split('.').next().unwrap_or(action);
    GLOBAL.contains(&word) || action == "tasks.compact"
}

/// Returns the first action that a key with these indexes cannot allow.
pub(super) fn first_beyond_indexes<'a>(actions: &'a [String], indexes: &[String]) -> Option<&'a str> {
    if indexes.is_empty() || indexes.iter().any(|pattern| pattern == "*") {
        return None;
    }
    actions.iter().map(String::as_str).find(|action| is_global(action))
}
