//! `bpf_rdonly_cast`, the kernel's function by which a program may read any of
//! its memory (Linux 6.17 for memory of no type).
//!
//! Each kernel knows its functions by ids of its own BTF, so the objects have a
//! call that no kernel knows, and here it becomes that of the running one.

use anyhow::Result;
use aya::{EbpfLoader, programs::RawTracePoint};
use memmap2::MmapMut;
use tracer_ebpf::{programs, rdonly_cast::PLACEHOLDER};

use super::{hooks, object};

/// The function's name in BTF.
pub(super) const FUNCTION: &str = "bpf_rdonly_cast";

/// `BPF_JMP | BPF_CALL`, include/uapi/linux/bpf.h
const CALL: u8 = 0x85;
/// The source register of a call of a kernel function, above the destination's four bits.
const PSEUDO_KFUNC_CALL: u8 = 2 << 4;

/// Whether the kernel lets programs read their stack by the function with this id. A refusal is an
/// answer like the other: nobody is told the verifier's account of it.
pub(super) fn reads_stacks(id: u32) -> bool {
    let load = || -> Result<()> {
        let object = with_function(object::QUERY, id)?;
        let mut ebpf = EbpfLoader::new().btf(None).load(&object)?;
        let probe: &mut RawTracePoint = hooks::program(&mut ebpf, programs::PROBE_STACK)?;
        Ok(probe.load()?)
    };
    load().is_ok()
}

/// A copy of the object that calls the function with this id.
pub fn with_function(object: &[u8], id: u32) -> Result<MmapMut> {
    // An object must be aligned as the static one is.
    let mut copy = MmapMut::map_anon(object.len())?;
    copy.copy_from_slice(object);
    point_calls_to(&mut copy, id);
    Ok(copy)
}

/// Changes every call of the function that no kernel has. Instructions are
/// aligned to their eight bytes in the object.
fn point_calls_to(object: &mut [u8], id: u32) {
    let [a, b, c, d] = PLACEHOLDER.to_le_bytes();
    let placeholder = [CALL, 0, 0, 0, a, b, c, d];
    let [a, b, c, d] = id.to_le_bytes();
    let call = [CALL, PSEUDO_KFUNC_CALL, 0, 0, a, b, c, d];
    let (instructions, _) = object.as_chunks_mut::<8>();
    for instruction in instructions {
        if *instruction == placeholder {
            *instruction = call;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_nothing_else_are_changed() {
        let placeholder = [0x85, 0, 0, 0, 0x57, 0xc4, 0xff, 0x7f];
        let other = [0x85, 0, 0, 0, 14, 0, 0, 0];
        let mut object = [placeholder, other, placeholder].concat();
        point_calls_to(&mut object, 0x1_02_03);
        let call = [0x85, 0x20, 0, 0, 3, 2, 1, 0];
        assert_eq!(object, [call, other, call].concat());
    }

    #[test]
    fn both_objects_have_such_calls() {
        for object in [object::TRACE, object::QUERY] {
            let changed = with_function(object, 1).expect("memory for a copy");
            assert_ne!(&changed[..], object);
        }
    }
}
