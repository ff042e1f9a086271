//! Rows that the domain refuses, as errors of a store.

use miroir_domain::row::InvalidRow;

use super::StoreError;

impl From<InvalidRow> for StoreError {
    fn from(error: InvalidRow) -> Self {
        Self::InvalidInput(error.to_string())
    }
}
