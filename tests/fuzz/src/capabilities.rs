//! The first line with a set decides, and bits are as the kernel numbers them.

use crate::kernel::capabilities::{Capabilities, SYS_ADMIN};

pub(crate) fn check(data: &[u8]) {
    let status = crate::text(data);
    let held = Capabilities::from_status(status);
    assert_eq!(held.may_trace(), held.has(SYS_ADMIN));
    let bits = (0..64).map(|number| u64::from(held.has(number)) << number);
    let again = format!("CapEff:\t{:016x}\n{status}", bits.sum::<u64>());
    assert_eq!(Capabilities::from_status(&again), held);
}
