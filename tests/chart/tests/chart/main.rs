//! The Helm chart: what it accepts, what it refuses and with which words, and whether what it renders fits together.

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
