//! Feeds the reader `bpf_fdinfo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("bpf_fdinfo", data));
