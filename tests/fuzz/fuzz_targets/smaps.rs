//! Feeds the reader `smaps`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("smaps", data));
