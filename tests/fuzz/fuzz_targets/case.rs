//! Feeds the reader `case`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("case", data));
