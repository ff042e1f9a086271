//! `miroir lease`: the holders of roles.

use clap::Subcommand;
use serde_json::Value;

use crate::client::Request;
use crate::failure::Failure;
use crate::output::View;
use crate::session::Session;
use crate::table::{Cell, Table};
use crate::value::{entries, text, time_from};

/// The commands of `miroir lease`.
#[derive(Debug, Subcommand)]
pub enum LeaseCommand {
    /// List leases with role, holder and expiry.
    List,
}

/// Runs a command of `miroir lease`.
pub async fn run(session: Session, command: LeaseCommand) -> Result<(), Failure> {
    match command {
        LeaseCommand::List => session.show(Request::get(&["_miroir", "leases"]), list).await,
    }
}

fn list(list: &Value, view: &View) -> String {
    let mut table = Table::new(&["ROLE", "HOLDER", "TOKEN", "EXPIRES (UTC)"]);
    for lease in entries(&list["results"]) {
        table.row([
            Cell::new(text(&lease["role"])),
            Cell::new(text(&lease["holder"])),
            Cell::number(text(&lease["token"])),
            Cell::new(time_from(&lease["expiresAt"], view)),
        ]);
    }
    table.render(view, "There are no leases.")
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn list_shows_holder_and_expiry() {
        let view = View { colors: false, now: Timestamp::EPOCH };
        let lease = json!({
            "role": "canary", "holder": "miroir-0\u{1b}", "token": 12, "expiresAt": "1970-01-01T00:00:04.000Z"
        });
        let expected = "ROLE    HOLDER          TOKEN  EXPIRES (UTC)\n\
                        canary  miroir-0\\u{1b}     12  1970-01-01 00:00:04 (in 4.0 s)";
        assert_eq!(list(&json!({ "results": [lease] }), &view), expected);
        assert_eq!(list(&json!({ "results": [] }), &view), "There are no leases.");
    }
}
