//! One libFuzzer program for all targets; `PAGETRACE_FUZZ_TARGET` says which.
//!
//! `cargo xtask fuzz` builds and runs it.

#![no_main]

// The readers are compiled in, rather than linked with the rest of pagetrace,
// so that they and nothing else are built to report their coverage.
#[path = "../../../tracer/src/kernel/mod.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "a library's module, of which the targets use a part"
)]
mod kernel;
#[path = "../../../tracer/src/model/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "as above")]
mod model;
mod targets;

use std::{env, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use targets::Check;

static CHECK: OnceLock<Check> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    CHECK.get_or_init(chosen)(data);
});

fn chosen() -> Check {
    let name = env::var("PAGETRACE_FUZZ_TARGET").expect("PAGETRACE_FUZZ_TARGET names a target");
    targets::find(&name).unwrap_or_else(|| panic!("no target is called {name}"))
}
