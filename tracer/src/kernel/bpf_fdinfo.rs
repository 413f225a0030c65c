//! `/proc/PID/fdinfo/N` of a BPF map or program: its number and its memory
//! (kernel/bpf/syscall.c, `bpf_map_show_fdinfo` and `bpf_prog_show_fdinfo`).

/// What an object of BPF is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words are BPF's")]
pub enum BpfKind {
    Map,
    RingBuffer,
    Program,
}

/// A BPF map or program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BpfObject {
    /// What it is.
    pub kind: BpfKind,
    /// Its number among those of its kind.
    pub id: u32,
    /// What its author called it; may be empty.
    pub name: String,
    /// Of a ring buffer, the bytes of its data: pages that `vmap()` has mapped, which no counter
    /// has (kernel/bpf/ringbuf.c, `bpf_ringbuf_area_alloc`). Of others, what the kernel counts
    /// for them: vmalloc, per-CPU memory, slab.
    pub bytes: u64,
}

impl BpfKind {
    /// The kind of object that a descriptor's target names.
    pub fn of(target: &str) -> Option<Self> {
        match target {
            "anon_inode:bpf-map" => Some(Self::Map),
            "anon_inode:bpf-prog" => Some(Self::Program),
            _ => None,
        }
    }

    /// The object that this text is about; none without a number (before Linux 4.13) or memory.
    pub fn object(self, fdinfo: &str) -> Option<BpfObject> {
        let (kind, id) = match self {
            Self::Program => (self, number(fdinfo, "prog_id:")?),
            Self::Map | Self::RingBuffer => (map_kind(fdinfo), number(fdinfo, "map_id:")?),
        };
        let bytes = match kind {
            Self::RingBuffer => "max_entries:",
            Self::Map | Self::Program => "memlock:",
        };
        Some(BpfObject {
            kind,
            id: id.try_into().ok()?,
            name: String::new(),
            bytes: number(fdinfo, bytes)?,
        })
    }
}

/// `BPF_MAP_TYPE_RINGBUF` and `BPF_MAP_TYPE_USER_RINGBUF`, or any other map.
fn map_kind(fdinfo: &str) -> BpfKind {
    match number(fdinfo, "map_type:") {
        Some(27 | 31) => BpfKind::RingBuffer,
        _ => BpfKind::Map,
    }
}

fn number(fdinfo: &str, name: &str) -> Option<u64> {
    let value = fdinfo.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
pos:\t0
flags:\t02000002
mnt_id:\t15
ino:\t52
map_type:\t1
key_size:\t4
value_size:\t8
max_entries:\t1024
map_flags:\t0x0
map_extra:\t0x0
memlock:\t94656
map_id:\t7
frozen:\t0
";
    const PROGRAM: &str = "\
prog_type:\t17
prog_jited:\t1
prog_tag:\t0123456789abcdef
memlock:\t4096
prog_id:\t9
run_time_ns:\t0
";

    #[test]
    fn a_map_and_a_program_are_read() {
        let map = BpfKind::Map.object(MAP).expect("a map");
        assert_eq!((map.id, map.bytes), (7, 94656));
        let program = BpfKind::Program.object(PROGRAM).expect("a program");
        assert_eq!((program.id, program.bytes), (9, 4096));
        assert_eq!(BpfKind::Map.object(PROGRAM), None);
        assert_eq!(BpfKind::Map.object("memlock:\tx\nmap_id:\t7\n"), None);
    }

    #[test]
    fn a_ring_buffer_has_its_data() {
        let text = MAP.replace("map_type:\t1\n", "map_type:\t27\n");
        let text = text.replace("max_entries:\t1024", "max_entries:\t65536");
        let ring = BpfKind::Map.object(&text).expect("a map");
        assert_eq!((ring.kind, ring.bytes), (BpfKind::RingBuffer, 65536));
    }

    #[test]
    fn a_target_tells_the_kind() {
        assert_eq!(BpfKind::of("anon_inode:bpf-map"), Some(BpfKind::Map));
        assert_eq!(BpfKind::of("anon_inode:bpf_link"), None);
    }
}
