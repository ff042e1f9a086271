//! The Helm chart: accepted values, refused values with their messages, and the consistency of the rendered
//! objects.

mod accepted;
mod compose;
mod configuration;
mod loader;
mod monitoring;
mod objects;
mod pods;
mod refused;
mod replicas;
mod secrets;
mod sentence;
mod unknown;
