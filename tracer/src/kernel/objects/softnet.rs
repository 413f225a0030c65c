//! Packets whose data were read on another CPU than they were made on: they wait on a list of that CPU
//! until it frees them (`skb_attempt_defer_free`, net/core/skbuff.c).

use std::collections::BTreeSet;

use super::{
    layouts::SoftnetLayout,
    packets, queues,
    walk::{Walker, is_kernel},
};
use crate::{
    kernel::read_memory::ReadMemory,
    model::{Holding, ObjectKind, Walked},
};

/// Follows the list of each CPU that some task is of: every CPU has tasks of its own.
pub(super) fn deferred<M: ReadMemory>(walker: &mut Walker<'_, M>) {
    let Ok(layout) = walker.layouts.softnet else {
        return;
    };
    let queues = std::mem::take(&mut walker.task_queues);
    let run_queues: BTreeSet<_> = queues
        .into_iter()
        .filter_map(|queue| walker.memory.word(queue + layout.run_queue))
        .filter(|run_queue| is_kernel(*run_queue))
        .collect();
    for run_queue in run_queues {
        if of_cpu(walker, &layout, run_queue).is_none() {
            walker.found.lost.unreadable += 1;
        }
    }
}

fn of_cpu<M: ReadMemory>(
    walker: &mut Walker<'_, M>,
    layout: &SoftnetLayout,
    run_queue: u64,
) -> Option<()> {
    let network = run_queue.wrapping_add(layout.distance);
    let cpu = walker.memory.half(run_queue + layout.run_queue_cpu)?;
    if !is_kernel(network) || walker.memory.half(network + layout.cpu)? != cpu {
        return None;
    }
    let first = walker.memory.word(network + layout.deferred)?;
    let queue = queues::chain(walker, first);
    if queue.packets.is_empty() {
        return Some(());
    }
    let place = walker.add(ObjectKind::DeferredPackets, network);
    let mut walked = Walked::default();
    packets::hold(walker, place, &queue.packets, &mut walked);
    let object = walker.object(place);
    object.holding = Holding::Kernel;
    object.label = Some(format!("CPU {cpu}"));
    object.payload_bytes = walked.payload_bytes;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::objects::sample::{Memory, PLACES, at},
        model::{Found, Weight},
    };

    /// Two tasks of CPU 3, whose list begins here, and whose network data are of this CPU.
    fn followed(mut memory: Memory, first: u64, cpu: u64) -> Found {
        for queue in [at(1), at(2)] {
            memory.put(queue, &[at(3)]);
        }
        memory.put(at(3), &[3]);
        memory.put(at(4), &[cpu, first]);
        let ((), found) = memory.walk(|walker| {
            walker.task_queues.extend([at(1), at(2)]);
            deferred(walker);
        });
        found
    }

    /// Packets, each of which leads to the next, and the last to this one.
    fn packets(packets: &[u64], last: u64) -> Memory {
        let mut memory = Memory::default();
        for (i, packet) in packets.iter().enumerate() {
            let next = packets.get(i + 1).map_or(last, |it| at(*it));
            let head = PLACES.address(40 + packet);
            memory.put(at(*packet), &[next, 0, 0, 0, 0, 100, head, 1024, 2048]);
            memory.put(head + 1024, &[0, 0, 1, 0, 0, 0, 0]);
        }
        memory
    }

    #[test]
    fn packets_to_be_freed_are_of_the_kernel_once_a_cpu() {
        let found = followed(packets(&[10, 11], 0), at(10), 3);
        let references = found.references.iter();
        let references: Vec<_> = references.map(|it| (it.frame, it.weight)).collect();
        assert_eq!(references, [(50, Weight::Each), (51, Weight::Each)]);
        let [object] = &found.objects[..] else {
            panic!("{found:?}");
        };
        assert_eq!(object.label.as_deref(), Some("CPU 3"));
        assert_eq!(
            (object.holding, object.payload_bytes),
            (Holding::Kernel, 200)
        );
    }

    #[test]
    fn an_empty_list_is_nothing() {
        let found = followed(Memory::default(), 0, 3);
        assert!(found.objects.is_empty());
        assert_eq!(found.lost, crate::model::Lost::default());
    }

    #[test]
    fn what_is_of_another_cpu_is_not_believed() {
        let found = followed(packets(&[10], 0), at(10), 4);
        assert!(found.objects.is_empty());
        assert_eq!(found.lost.unreadable, 1);
    }

    #[test]
    fn a_list_that_goes_round_ends() {
        let found = followed(packets(&[10, 11], at(10)), at(10), 3);
        assert_eq!(found.references.len(), 2);
        assert_eq!(found.lost.raced, 1);
    }
}
