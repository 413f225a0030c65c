//! A service that records, in one line.

use std::io::{self, Write};

use super::text;
use crate::model::ServiceStatus;

/// Says that a service has recorded who took memory, and how to ask it.
pub fn recorded_by(service: &ServiceStatus, out: &mut impl Write) -> io::Result<()> {
    let bytes = service.outstanding_pages * service.host.page_size;
    writeln!(
        out,
        "A service records who takes page frames, for {}: {} are out; `pagetrace report --live` says whose",
        text::seconds(service.seconds.duration()),
        text::bytes(bytes)
    )
}
