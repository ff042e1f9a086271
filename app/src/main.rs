//! The `miroir` program.

fn main() {
    print!("{}", miroir::config::reference::markdown());
}
