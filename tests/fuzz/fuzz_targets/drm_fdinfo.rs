//! Feeds the reader `drm_fdinfo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("drm_fdinfo", data));
