//! Feeds the reader `dma_buf`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pagetrace_fuzz::check("dma_buf", data));
