//! Feeds the reader `fdinfo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("fdinfo", data));
