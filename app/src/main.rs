//! The `miroir` program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    miroir::cli::run(std::env::args_os()).await
}
