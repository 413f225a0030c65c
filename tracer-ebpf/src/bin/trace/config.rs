//! What user space told the programs before it loaded them.

use tracer_ebpf::{LoadTime, TraceConfig};

#[unsafe(no_mangle)]
pub(crate) static CONFIG: LoadTime<TraceConfig> = LoadTime::new(TraceConfig::DEFAULT);
