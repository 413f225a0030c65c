//! Readers of what the kernel says about itself. Each takes bytes or a reader,
//! so tests feed them text; only [`host`] knows the paths under `/proc` and `/sys`.

pub mod balloon;
pub mod bpf_fdinfo;
pub mod btf;
pub mod census;
pub mod cgroup;
pub mod dma_buf;
pub mod drm_fdinfo;
pub mod fdinfo;
pub mod gfp;
pub mod host;
pub mod hugepages;
pub mod io_uring_fdinfo;
pub mod kallsyms;
pub mod kstat;
pub mod memcg;
pub mod meminfo;
pub mod mountinfo;
pub mod netlink;
pub mod notes;
pub mod packet_diag;
pub mod page_pool;
pub mod pageflags;
pub mod pagemap;
pub mod ring_mappings;
pub mod slabinfo;
pub mod sock_diag;
pub mod sockstat;
pub mod trace_buffer;
pub mod tracepoint;
pub mod vmallocinfo;
pub mod vmstat;
pub mod zoneinfo;
pub mod zram;
