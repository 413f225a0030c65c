//! Feeds the reader `slabinfo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("slabinfo", data));
