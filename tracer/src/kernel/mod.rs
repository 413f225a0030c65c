//! Readers of what the kernel says about itself. Each takes bytes or a reader,
//! so tests feed them text; only [`host`] knows the paths under `/proc` and `/sys`.

pub mod btf;
pub mod cgroup;
pub mod fdinfo;
pub mod gfp;
pub mod host;
pub mod hugepages;
pub mod kallsyms;
pub mod memcg;
pub mod meminfo;
pub mod mountinfo;
pub mod notes;
pub mod pageflags;
pub mod pagemap;
pub mod process;
pub mod slabinfo;
pub mod tracepoint;
pub mod vmallocinfo;
pub mod vmstat;
pub mod zoneinfo;
