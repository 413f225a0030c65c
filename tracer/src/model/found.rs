//! What a walk over the kernel's objects has found.

use rustc_hash::FxHashMap;

use super::{ObjectKind, PageUse, SocketState, Walked};

/// Objects, and their references to page frames.
#[derive(Debug, Default)]
pub struct Found {
    /// The tasks that have descriptors, or a page of their own.
    tasks: Vec<FoundTask>,
    /// The place of the first task of each process.
    processes: FxHashMap<u32, u32>,
    /// What was found; references name these by their place.
    pub objects: Vec<FoundObject>,
    /// In ascending order of page frames once the walk is over.
    pub references: Vec<Reference>,
    /// What could not be followed.
    pub lost: Lost,
}

/// A task with a table of descriptors, for all that share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTask {
    /// Its process's id, in the initial namespace.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// `R`, `S`, `D`, `T` … as in proc(5).
    pub state: char,
}

/// Something that holds page frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Its own address, which tells it from others while it lives.
    pub address: u64,
    /// The number of its inode, as `/proc/PID/fd` and `/proc/PID/maps` have it; 0 for none.
    pub inode: u64,
    /// The descriptors of it: the place of the task, and the number.
    pub descriptors: Vec<(u32, u32)>,
    /// How it is held where no descriptor refers to it.
    pub holding: Holding,
    /// Bytes of data in it.
    pub payload_bytes: u64,
    /// What it is called: the device of a tun or tap queue, a map's name, a CPU.
    pub label: Option<String>,
    /// The number of its network namespace; 0 for none. A socket says that itself.
    pub netns: u64,
    /// What is known of a socket.
    pub socket: Option<Box<FoundSocket>>,
}

impl FoundObject {
    /// An object that nothing is known of yet but its address.
    pub const fn new(kind: ObjectKind, address: u64) -> Self {
        Self {
            kind,
            address,
            inode: 0,
            descriptors: Vec::new(),
            holding: Holding::Unknown,
            payload_bytes: 0,
            label: None,
            netns: 0,
            socket: None,
        }
    }
}

/// How an object is held beside descriptors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holding {
    /// Not known.
    #[default]
    Unknown,
    /// Sent over the unix socket at this place of [`Found::objects`], and not yet received.
    InFlight(u32),
    /// A connection that the listener at this place has not accepted yet.
    NotAccepted(u32),
    /// By a task itself.
    Task(u32),
    /// By the kernel itself.
    Kernel,
}

/// A socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundSocket {
    /// Its protocol, addresses, queues and memory.
    pub state: SocketState,
    /// How its queues were walked.
    pub walked: Walked,
}

/// A reference to a page frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The page frame.
    pub frame: u64,
    /// The place in [`Found::objects`] of what refers to it, or [`Reference::OTHERS`].
    pub object: u32,
    /// How the kernel counts it.
    pub weight: Weight,
}

impl Reference {
    /// What was not found: a copy of a packet, on its way.
    pub const OTHERS: u32 = u32::MAX;
}

/// How the kernel counts a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// One for all of a block, however many of its page frames are named.
    Block,
    /// None: it is shared with another that counts.
    Shared,
    /// One for each time it is named.
    Each,
    /// Pinned user memory: of a page frame by itself 1,024 (`GUP_PIN_COUNTING_BIAS`, mm/gup.c), of a
    /// larger block one for each page frame.
    Pin,
}

/// What a walk could not follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Queues and lists that were changed while they were followed, or have no end.
    pub raced: u64,
    /// Pointers that lead to no page frame.
    pub strays: u64,
    /// Objects that could not be read.
    pub unreadable: u64,
}

impl Found {
    /// Adds a task, and says its place.
    pub fn add_task(&mut self, task: FoundTask) -> u32 {
        let place = self.tasks.len() as u32;
        self.processes.entry(task.pid).or_insert(place);
        self.tasks.push(task);
        place
    }

    /// The task at a place.
    pub fn task(&self, place: u32) -> Option<&FoundTask> {
        self.tasks.get(place as usize)
    }

    /// The first task of a process.
    pub fn process(&self, pid: u32) -> Option<&FoundTask> {
        self.task(*self.processes.get(&pid)?)
    }

    /// Keeps of the references what a second walk has seen as well, and says how many each object lost.
    pub fn confirmed_by(&mut self, second: &Self) -> FxHashMap<u32, u64> {
        let place = |it: &FoundObject| (it.kind, it.address);
        let places: FxHashMap<_, _> = second.objects.iter().map(place).zip(0_u32..).collect();
        let mut seen = FxHashMap::<(u64, u32, Weight), u64>::default();
        for it in &second.references {
            *seen.entry((it.frame, it.object, it.weight)).or_default() += 1;
        }
        let mut lost = FxHashMap::default();
        let objects = &self.objects;
        self.references.retain(|it| {
            let object = match objects.get(it.object as usize) {
                Some(object) => places.get(&place(object)).copied(),
                None => Some(Reference::OTHERS),
            };
            let again = object.and_then(|object| seen.get_mut(&(it.frame, object, it.weight)));
            match again {
                Some(times) if *times > 0 => {
                    *times -= 1;
                    true
                }
                _ => {
                    *lost.entry(it.object).or_default() += 1;
                    false
                }
            }
        });
        lost
    }
}

/// Page frames that were taken together, and the references to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBlock {
    /// How many page frames it has.
    pub pages: u64,
    /// What they are used for.
    pub page_use: PageUse,
    /// The address of what they belong to; 0 for none.
    pub owner: u64,
    /// References that the kernel counts; none where it does not count those that are found.
    pub counted: Option<u64>,
    /// How often user space has its page frames mapped, each of which is a reference.
    pub mapped: u64,
    /// Who refers to it, each once, by the place in [`Found::objects`], and how often.
    pub held: Vec<(u32, u64)>,
}

impl HeldBlock {
    /// The references that were found.
    pub fn found(&self) -> u64 {
        let held = self.held.iter().map(|(_, references)| *references);
        held.sum::<u64>() + self.mapped
    }

    /// Whether the page frames are free once none of these objects holds them.
    pub fn is_complete(&self) -> bool {
        self.counted == Some(self.found())
    }
}

impl Held {
    /// The objects that hold page frames, each as often as it does.
    pub fn objects(&self) -> impl Iterator<Item = u32> {
        let held = self.blocks.iter().flat_map(|block| &block.held);
        held.map(|(object, _)| *object)
    }
}

/// Page frames that no counter explains, by who holds them.
#[derive(Debug, Default)]
pub struct Held {
    /// Those that an object refers to.
    pub blocks: Vec<HeldBlock>,
    /// How many page frames of each use nothing that was found refers to.
    pub unheld: FxHashMap<PageUse, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(objects: &[u64], references: &[(u64, u32)]) -> Found {
        let references = references.iter().map(|&(frame, object)| Reference {
            frame,
            object,
            weight: Weight::Each,
        });
        Found {
            objects: objects
                .iter()
                .map(|it| FoundObject::new(ObjectKind::Pipe, *it))
                .collect(),
            references: references.collect(),
            ..Found::default()
        }
    }

    #[test]
    fn what_only_one_walk_saw_is_not_kept() {
        let mut first = found(&[10, 20], &[(1, 0), (1, 0), (2, 1), (3, 1)]);
        // The same objects in another order; one reference fewer of each.
        let second = found(&[20, 10], &[(1, 1), (2, 0), (9, 0)]);
        let lost = first.confirmed_by(&second);
        assert_eq!(first.references, found(&[], &[(1, 0), (2, 1)]).references);
        assert_eq!(lost, FxHashMap::from_iter([(0, 1), (1, 1)]));
    }

    #[test]
    fn an_object_that_is_gone_holds_nothing() {
        let mut first = found(&[10], &[(1, 0)]);
        let lost = first.confirmed_by(&found(&[30], &[(1, 0)]));
        assert_eq!(first.references, []);
        assert_eq!(lost.get(&0), Some(&1));
    }
}
