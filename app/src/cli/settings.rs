//! The flags that change the configuration.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Loaded, Sources, load};

/// Sources of the configuration. Flags override the environment, which overrides the file.
#[derive(Debug, Default, Args)]
pub(super) struct Settings {
    /// Configuration file. Default: `miroir.yaml` in the working directory, if it exists.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// IP address and port to listen on (`server.address`).
    #[arg(long, value_name = "IP:PORT")]
    address: Option<String>,
    /// File of the SQLite database (`store.path`).
    #[arg(long, value_name = "FILE")]
    store_path: Option<String>,
    /// Level or filter of the log (`log.level`).
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Set any key, such as `--set cluster.shard_count=16`. Lists are JSON or YAML. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl Settings {
    /// Loads and checks the configuration.
    pub(super) fn load(self) -> anyhow::Result<Loaded> {
        let named = [
            ("--address", "server.address", self.address),
            ("--store-path", "store.path", self.store_path),
            ("--log-level", "log.level", self.log_level),
        ];
        // The named flags come last, so they override `--set`.
        let flags = self
            .set
            .into_iter()
            .map(|(key, text)| ("--set".to_owned(), key, text))
            .chain(named.into_iter().filter_map(|(flag, key, text)| Some((flag.into(), key.into(), text?))))
            .collect();
        let environment = std::env::vars_os().collect();
        Ok(load(Sources { file: self.config, folder: PathBuf::from("."), environment, flags })?)
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as `cluster.shard_count=16`")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
