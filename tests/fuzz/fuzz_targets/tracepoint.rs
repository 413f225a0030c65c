//! Feeds the reader `tracepoint`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("tracepoint", data));
