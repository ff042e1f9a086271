//! Reads from nodes.
//!
//! | module | contents |
//! |---|---|
//! | `absent` | nodes that do not have an index of the registry |
//! | `fan_out` | one request to a covering set of nodes, with other replicas in reserve |
//! | `first` | reads that need a single node |
//! | `index_facts` | the settings that searches need, cached for a moment |
//! | `refusal` | refusals of reads, in the words of clients |
//! | `whole_index` | reads of the settings and the entry of an index |

mod absent;
mod fan_out;
mod first;
mod index_facts;
mod refusal;
mod whole_index;

pub use fan_out::{Gathered, gather, rotated_groups};
pub use first::read_first;
pub use index_facts::IndexFacts;
pub use whole_index::read_whole_index;
