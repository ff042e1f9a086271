//! Logs on standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// The environment variable that overrides `log.level`, as usual for programs that use `tracing`.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// Starts logging for the rest of the process. Fails if logging was started before, or if `RUST_LOG` is not a
/// valid filter.
pub fn init(config: &LogConfig) -> anyhow::Result<()> {
    let filter = filter(config, std::env::var(FILTER_VARIABLE).ok())?;
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    let started = if is_json(config.format, std::io::stderr().is_terminal()) {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

fn filter(config: &LogConfig, variable: Option<String>) -> anyhow::Result<EnvFilter> {
    match variable.filter(|text| !text.is_empty()) {
        Some(text) => EnvFilter::try_new(&text)
            .with_context(|| format!("the environment variable {FILTER_VARIABLE} is not a log filter")),
        None => EnvFilter::try_new(&config.level).context("`log.level` is not a log filter"),
    }
}

fn is_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(text: &str) -> LogConfig {
        LogConfig { level: text.to_owned(), ..LogConfig::default() }
    }

    #[test]
    fn filter_prefers_the_variable_unless_it_is_empty() {
        assert_eq!(filter(&level("warn"), None).unwrap().to_string(), "warn");
        assert_eq!(filter(&level("warn"), Some(String::new())).unwrap().to_string(), "warn");
        assert_eq!(filter(&level("warn"), Some("debug".into())).unwrap().to_string(), "debug");
    }

    #[test]
    fn filter_names_the_source_of_an_invalid_value() {
        let of_variable = filter(&level("warn"), Some("a=loud".into())).unwrap_err();
        assert!(of_variable.to_string().contains("RUST_LOG"), "{of_variable}");
        let of_config = filter(&level("a=loud"), None).unwrap_err();
        assert!(of_config.to_string().contains("log.level"), "{of_config}");
    }

    #[test]
    fn format_is_text_on_a_terminal_and_json_elsewhere_by_default() {
        assert!(is_json(LogFormat::Auto, false) && !is_json(LogFormat::Auto, true));
        assert!(is_json(LogFormat::Json, true) && !is_json(LogFormat::Text, false));
    }
}
