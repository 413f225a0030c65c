//! Feeds the reader `sock_diag`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("sock_diag", data));
