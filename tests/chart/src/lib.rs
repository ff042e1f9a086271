//! The Helm chart, rendered by the real helm, for tests.

mod case;
mod copy;
mod helm;
mod object;
mod path;

pub use case::{CASES, Case, case};
pub use copy::ChartCopy;
pub use helm::{NAMESPACE, RELEASE, Values};
pub use object::{Container, Object, Rendered};
pub use path::{chart, repository};
