//! Feeds the reader `sysvipc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("sysvipc", data));
