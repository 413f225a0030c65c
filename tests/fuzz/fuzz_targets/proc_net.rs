//! Feeds the reader `proc_net`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("proc_net", data));
