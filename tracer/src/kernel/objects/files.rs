//! Files: what kind of object each of them is, and those that no descriptor refers to.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    layouts::FileLayout,
    tasks::Descriptor,
    tun,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::{bytes::word, read_memory::ReadMemory},
    model::ObjectKind,
};

/// The kinds of files by their operations, as learned from files of this process's own.
#[derive(Clone, Debug, Default)]
pub(super) struct FileKinds {
    kinds: FxHashMap<u64, ObjectKind>,
}

/// A file that may hold page frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) kind: ObjectKind,
    /// Its `private_data`: the pipe, the socket, the event, the ring.
    pub(super) private: u64,
    pub(super) inode: u64,
}

impl FileKinds {
    /// Files whose operations are those of these descriptors of a process.
    pub(super) fn learn<M: ReadMemory>(
        walker: &mut Walker<'_, M>,
        descriptors: &[Descriptor],
        process: u32,
        samples: &[(u32, ObjectKind)],
    ) -> Self {
        let operations = walker.layouts.file.operations;
        let pid = |place: u32| walker.found.task(place).map(|task| task.pid);
        let own = |it: &&Descriptor| pid(it.task) == Some(process);
        let own: Vec<_> = descriptors.iter().filter(own).collect();
        let mut kinds = FxHashMap::default();
        for (number, kind) in samples {
            let file = own.iter().find(|it| it.number == *number);
            let operations = file.and_then(|it| walker.memory.word(it.file + operations));
            kinds.extend(operations.map(|it| (it, *kind)));
        }
        let mut learned = Self { kinds };
        learned.learn_others(walker, descriptors);
        learned
    }

    /// Files of which none is opened to know them by: pipes with a name, which since Linux 6.14 have
    /// operations of their own, and those of tun and the like, whose opening would load a module. One
    /// file with each of the operations that are not known tells.
    fn learn_others<M: ReadMemory>(
        &mut self,
        walker: &mut Walker<'_, M>,
        descriptors: &[Descriptor],
    ) {
        let layout = walker.layouts.file;
        let mut others = FxHashSet::default();
        for descriptor in descriptors {
            let Some(bytes) = walker.memory.read(descriptor.file, len(&layout)) else {
                continue;
            };
            let word_at = |at: u64| word(bytes, at as usize).filter(|it| is_kernel(*it));
            let (operations, private) = (word_at(layout.operations), word_at(layout.private));
            let (Some((operations, private)), Some(inode)) =
                (operations.zip(private), word_at(layout.inode))
            else {
                continue;
            };
            if self.kinds.contains_key(&operations) || !others.insert(operations) {
                continue;
            }
            let mode = walker.memory.half(inode + layout.inode_mode);
            if mode.is_some_and(is_pipe) {
                self.kinds.insert(operations, ObjectKind::Pipe);
            } else if tun::layout(walker, private).is_some() {
                self.kinds.insert(operations, ObjectKind::TunQueue);
            }
        }
    }

    /// What these bytes of a `struct file` say; none of a file that holds nothing of its own.
    fn file(&self, layout: &FileLayout, bytes: &[u8]) -> Option<(File, u64)> {
        let word_at = |at: u64| word(bytes, at as usize);
        let kind = *self.kinds.get(&word_at(layout.operations)?)?;
        let private = word_at(layout.private)?;
        let inode = word_at(layout.inode)?;
        let file = File {
            kind,
            private,
            inode: 0,
        };
        (is_kernel(private) && is_kernel(inode)).then_some((file, inode))
    }
}

/// Whether `umode_t`, which these bits begin with, is that of a pipe.
const fn is_pipe(mode: u32) -> bool {
    mode & libc::S_IFMT == libc::S_IFIFO
}

/// Whether these bytes are of a file that is open.
fn is_open(layout: &FileLayout, bytes: &[u8]) -> bool {
    let count = word(bytes, layout.references as usize).map(u64::cast_signed);
    count.is_some_and(|it| it > 0 || layout.counts_from_zero && it == 0)
}

/// Bytes of a `struct file` that matter.
fn len(layout: &FileLayout) -> usize {
    let last = layout.references.max(layout.private).max(layout.inode);
    last.max(layout.operations) as usize + 8
}

/// The file at an address, if it may hold page frames.
pub(super) fn file<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    kinds: &FileKinds,
    address: u64,
) -> Option<File> {
    let layout = walker.layouts.file;
    let bytes = walker.memory.read(address, len(&layout))?;
    let (file, inode) = kinds.file(&layout, bytes)?;
    let inode = walker.memory.word(inode + layout.inode_number)?;
    Some(File { inode, ..file })
}

/// The open files of these kinds in the slabs of files, whoever refers to them.
pub(super) fn all<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    kinds: &FileKinds,
    known: Option<u64>,
) -> Vec<u64> {
    let layout = walker.layouts.file;
    let Some(cache) = known.and_then(|file| walker.cache_of(file)) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    walker.each_object(cache, |address, bytes| {
        let is_one = is_open(&layout, bytes) && kinds.file(&layout, bytes).is_some();
        files.extend(is_one.then_some(address));
    });
    files
}
