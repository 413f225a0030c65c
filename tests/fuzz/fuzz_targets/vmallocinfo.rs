//! Feeds the reader `vmallocinfo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("vmallocinfo", data));
