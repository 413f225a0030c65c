//! Feeds the reader `packet_diag`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("packet_diag", data));
