//! Feeds the reader `ring_mappings`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("ring_mappings", data));
