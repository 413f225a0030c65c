//! Feeds the reader `page_pool`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("page_pool", data));
