//! Every shape by name, at random, and recorded.

mod chance;
mod error_rates;
mod kind;
mod named;
mod recorded;
mod samples;
mod site;
