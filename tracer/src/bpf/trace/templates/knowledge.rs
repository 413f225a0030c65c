//! What samples teach of frames: how far above each return address the next one lies.
//!
//! A word on a stack that looks like the next return address may be a stale copy
//! of it. So every distance between any two copies is noted, and from sample to
//! sample only those are kept that were possible on each. The true one always
//! is; most others go. Among what is left, distances are chosen that together
//! lead from one end of the last stack to the other.

mod chain;
mod way;

use std::collections::{BTreeSet, HashMap};

use tracer_ebpf::{MAX_FRAMES, RUN, STACK_SIZE, Template};

use self::way::Way;
use super::sample::{StackSample, WORD};
use crate::kernel::kallsyms::InterruptEntries;

/// How many of the innermost frames may lie below the programs' context.
const MOST_BELOW: usize = 8;

/// Where the first return address above the programs' context lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::bpf) struct FirstReturn {
    /// How far above, in bytes; 0 while it is not known.
    pub(in crate::bpf) distance: u32,
    /// How many of the frames that the kernel unwinds lie below.
    pub(in crate::bpf) frames_below: u32,
}

/// All that was learned.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    entries: InterruptEntries,
    /// Where each of the innermost frames can lie above the context.
    first: [Possible; MOST_BELOW],
    /// The first return address above it on the last stack.
    first_ip: u64,
    frames: HashMap<u64, Seen>,
}

/// The values that were possible on every sample so far; none before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Possible(Option<BTreeSet<u64>>);

/// What was seen of one return address.
#[derive(Clone, Debug, Default)]
struct Seen {
    distances: Possible,
    /// Distances that are right or a word too short.
    realigned: Possible,
    anchors: Possible,
    /// The way that fits those of the other frames on the last stack.
    chosen: Option<Way>,
    next: Option<Next>,
    /// How many stacks went on from here.
    times: u32,
    ends: Ends,
    /// Whether each stack that went on can have done so with what the registers above it say;
    /// none before the first.
    from_registers: Option<bool>,
}

/// How a stack ended at a return address, where it did.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    at_interrupt: bool,
    at_user: bool,
    otherwise: bool,
}

/// The return address after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Always(u64),
    Various,
}

/// What a sample changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lesson {
    /// The return addresses it was about.
    pub(super) ips: Vec<u64>,
    /// Whether something was wrong before.
    pub(super) revised: bool,
}

impl Possible {
    /// Keeps what is possible now, too.
    fn narrow(&mut self, now: BTreeSet<u64>) {
        self.0 = Some(match self.0.take() {
            Some(before) => before.intersection(&now).copied().collect(),
            None => now,
        });
    }

    fn least(&self) -> Option<u64> {
        self.all().next()
    }

    fn all(&self) -> impl Iterator<Item = u64> + Clone {
        self.0.iter().flatten().copied()
    }
}

impl Knowledge {
    /// Knows where interrupts enter the kernel, and nothing else.
    pub(super) fn new(entries: InterruptEntries) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// Where the programs are to begin.
    pub(super) fn first_return(&self) -> FirstReturn {
        let found = (0..).zip(&self.first);
        let mut found = found.filter_map(|(frame, places)| Some((frame, places.least()?)));
        let first = found.next().map(|(frames_below, place)| FirstReturn {
            distance: place as u32,
            frames_below,
        });
        first.unwrap_or_default()
    }

    /// How far above the programs' context the first return address lies that is not
    /// the same on all stacks; 0 if that is not known.
    pub(super) fn parting(&self) -> u32 {
        let template = self.template(self.first_ip);
        let run = template.filter(|it| it.kind == Template::FRAME);
        run.map_or(0, |it| {
            let last = it.at[usize::from(it.run) - 1];
            self.first_return().distance + u32::from(last)
        })
    }

    /// Learns from a stack.
    pub(super) fn learn(&mut self, sample: &StackSample) -> Lesson {
        let before = self.first_return();
        for (&frame, places) in sample.frames.iter().zip(&mut self.first) {
            places.narrow(sample.places(frame).collect());
        }
        let mut revised = self.first_return() != before;
        // What lies below is the tracer's own.
        let first = self.first_return();
        let frames = sample.frames.get(first.frames_below as usize..);
        let frames = self.own_frames(frames.unwrap_or_default());
        self.first_ip = frames.first().copied().unwrap_or(self.first_ip);
        let known: Vec<_> = frames.iter().map(|&ip| self.head(ip)).collect();
        self.narrow(sample, frames);
        self.choose(sample, frames, first.distance.into());
        for (&ip, known) in frames.iter().zip(known) {
            revised |= known.is_some() && known != self.head(ip);
        }
        Lesson {
            ips: frames.to_vec(),
            revised,
        }
    }

    /// The frames of a stack down to the entry of the innermost interrupt.
    fn own_frames<'a>(&self, frames: &'a [u64]) -> &'a [u64] {
        let entry = frames.iter().position(|&ip| self.entries.contain(ip));
        entry.map_or(frames, |entry| &frames[..=entry])
    }

    /// Notes what is possible on this stack.
    fn narrow(&mut self, sample: &StackSample, frames: &[u64]) {
        // Where a frame would lie if it was interrupted.
        let mut interrupted_at = Vec::new();
        for (at, &ip) in frames.iter().enumerate() {
            let places: Vec<_> = sample.places(ip).chain(interrupted_at.drain(..)).collect();
            let is_interrupt = self.entries.contain(ip);
            let seen = self.frames.entry(ip).or_default();
            match frames.get(at + 1) {
                _ if is_interrupt => seen.ends.at_interrupt = true,
                None => seen.end(sample, &places),
                Some(&next) => interrupted_at = seen.go_on(sample, &places, next),
            }
        }
    }

    /// Chooses ways that lead through the whole stack, if there are such.
    fn choose(&mut self, sample: &StackSample, frames: &[u64], first: u64) {
        let ways = chain::ways(sample, frames, first, |ip| self.frames.get(&ip));
        for (ip, way) in frames.iter().zip(ways) {
            if let Some(seen) = self.frames.get_mut(ip) {
                seen.chosen = way.or(seen.chosen);
            }
        }
    }

    /// What is known for sure of a return address, with those that always follow it.
    pub(super) fn template(&self, ip: u64) -> Option<Template> {
        let seen = self.frames.get(&ip).filter(|it| it.is_sure())?;
        let mut template = Template { ip, ..seen.head() };
        if template.kind == Template::FRAME {
            self.predict(&mut template);
        }
        Some(template)
    }

    /// Adds the return addresses that have always followed so far.
    fn predict(&self, template: &mut Template) {
        let mut ip = template.ip;
        for i in 0..RUN {
            let Some(Seen {
                next: Some(Next::Always(next)),
                ..
            }) = self.frames.get(&ip)
            else {
                return;
            };
            template.next[i] = *next;
            let following = self.frames.get(next).filter(|it| it.is_sure());
            let following = following.map(Seen::head);
            let following = following.filter(|it| it.kind == Template::FRAME);
            let Some(at) = following.and_then(|it| template.at[i].checked_add(it.at[0])) else {
                return;
            };
            if i + 1 < RUN {
                template.at[i + 1] = at;
                template.run += 1;
            }
            ip = *next;
        }
    }

    fn head(&self, ip: u64) -> Option<Template> {
        self.frames.get(&ip).map(Seen::head)
    }

    /// All return addresses of which something is known.
    pub(super) fn ips(&self) -> impl Iterator<Item = u64> {
        self.frames.keys().copied()
    }
}

impl Seen {
    /// The stack ends here. One that is as deep as stacks are kept may go on.
    fn end(&mut self, sample: &StackSample, places: &[u64]) {
        if sample.frames.len() >= MAX_FRAMES {
            return;
        }
        if places.iter().any(|&place| sample.is_user_above(place)) {
            self.ends.at_user = true;
        } else {
            self.ends.otherwise = true;
        }
    }

    /// The stack goes on with `next`; gives where that would lie if it was interrupted.
    fn go_on(&mut self, sample: &StackSample, places: &[u64], next: u64) -> Vec<u64> {
        if places.is_empty() {
            return Vec::new();
        }
        self.times = self.times.saturating_add(1);
        self.next = match self.next {
            None => Some(Next::Always(next)),
            Some(Next::Always(before)) if before == next => self.next,
            Some(_) => Some(Next::Various),
        };
        let nexts: Vec<_> = sample.places(next).collect();
        let distances = places.iter().flat_map(|&place| {
            let distances = nexts.iter().filter_map(move |next| next.checked_sub(place));
            distances.filter(|&distance| distance > 0 && distance <= u16::MAX.into())
        });
        let distances: BTreeSet<_> = distances.collect();
        let shorter = distances.iter().filter_map(|it| it.checked_sub(WORD));
        let shorter = shorter.filter(|&it| it > 0);
        self.realigned
            .narrow(shorter.chain(distances.iter().copied()).collect());
        self.distances.narrow(distances);
        // The frame of a random size is that of a system call, which the stack begins with.
        let begins = sample.frames.last() == Some(&next);
        let anchors = nexts.iter().filter(|_| begins);
        let anchors = anchors.map(|&next| sample.context.wrapping_add(next) % STACK_SIZE);
        self.anchors.narrow(anchors.collect());
        let interrupted_at: Vec<_> = sample.interrupted_at(places, next).collect();
        let can_be = !interrupted_at.is_empty();
        self.from_registers = Some(can_be && self.from_registers != Some(false));
        interrupted_at
    }

    /// The template without what follows.
    fn head(&self) -> Template {
        let (kind, at) = self.kind();
        let mut template = Template {
            kind,
            run: u16::from(at != 0),
            ..Template::NONE
        };
        template.at[0] = at;
        template
    }

    fn kind(&self) -> (u16, u16) {
        let Ends {
            at_interrupt,
            at_user,
            otherwise,
        } = self.ends;
        let goes_on = self.next.is_some();
        match self.from_registers {
            _ if at_interrupt => (Template::END, 0),
            // The same return address cannot end a stack and go on.
            _ if otherwise && goes_on => (Template::OPAQUE, 0),
            _ if otherwise => (Template::END, 0),
            None if at_user => (Template::REGISTERS, 0),
            Some(true) => (Template::REGISTERS, 0),
            Some(false) if at_user => (Template::OPAQUE, 0),
            _ => self.place_of_next(),
        }
    }

    /// The ways to the next return address that are possible, the likeliest first.
    fn ways(&self) -> impl Iterator<Item = Way> {
        let frames = self.distances.all().map(Way::Frame);
        let anchors = self.anchors.all().map(Way::Anchored);
        let realigned = self.realigned.all().map(Way::Realigned);
        let ways = || frames.chain(anchors).chain(realigned);
        let chosen = self
            .chosen
            .filter(|it| ways.clone()().any(|way| way == *it));
        let others = ways().filter(move |&it| Some(it) != chosen);
        chosen.into_iter().chain(others)
    }

    /// Whether there is no other way of the same sort. A copy of a return address that
    /// is always there makes another; what was not told apart by so many stacks is one.
    fn is_sure(&self) -> bool {
        const MANY: u32 = 8;
        let sorts = [&self.distances, &self.anchors, &self.realigned];
        let ways = sorts.map(|it| it.all().count());
        let ways = ways.into_iter().find(|&ways| ways > 0);
        self.times >= MANY || ways.is_none_or(|ways| ways == 1)
    }

    fn place_of_next(&self) -> (u16, u16) {
        let way = self.ways().next();
        way.map_or((Template::OPAQUE, 0), Way::template)
    }
}

#[cfg(test)]
#[path = "knowledge_tests.rs"]
mod tests;
