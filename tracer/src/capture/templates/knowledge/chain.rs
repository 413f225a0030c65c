//! From one return address of a stack to the next, by distances that are all
//! possible: the way through the maze of stale copies.

use tracer_ebpf::{STACK_SIZE, Template};

use super::{super::sample::StackSample, Seen};

/// How many places to try before giving up.
const TRIES: u32 = 1_000;

/// The way through a stack.
struct Maze<'a, F> {
    sample: &'a StackSample,
    frames: &'a [u64],
    seen: F,
    tries: u32,
}

/// The distance from each of `frames` to the next on a way from the place
/// `first` to the end of the stack; none for those that have none. Empty if there
/// is no way.
pub(super) fn distances<'a>(
    sample: &'a StackSample,
    frames: &'a [u64],
    first: u64,
    seen: impl Fn(u64) -> Option<&'a Seen>,
) -> Vec<Option<u64>> {
    let mut maze = Maze {
        sample,
        frames,
        seen,
        tries: TRIES,
    };
    let way = maze.way(0, first).unwrap_or_default();
    way.into_iter().rev().collect()
}

impl<'a, F: Fn(u64) -> Option<&'a Seen>> Maze<'a, F> {
    /// The distances from frame `at`, which lies at `place`, outermost first; none
    /// if there is no way from there.
    fn way(&mut self, at: usize, place: u64) -> Option<Vec<Option<u64>>> {
        self.tries = self.tries.checked_sub(1)?;
        let ip = *self.frames.get(at)?;
        let Some(&next) = self.frames.get(at + 1) else {
            return self.is_end(ip, place).then(Vec::new);
        };
        // As far as anybody can see.
        let Some(steps) = self.steps(ip, place, next) else {
            return Some(Vec::new());
        };
        steps.into_iter().find_map(|(distance, to)| {
            let mut way = self.way(at + 1, to)?;
            way.push(distance);
            Some(way)
        })
    }

    /// Where `next` can lie, with the distance if there is a choice; none if that
    /// cannot be known.
    fn steps(&self, ip: u64, place: u64, next: u64) -> Option<Vec<(Option<u64>, u64)>> {
        let seen = (self.seen)(ip)?;
        let mut steps: Vec<_> = match seen.kind() {
            (Template::FRAME, _) => {
                let steps = seen.distances();
                steps.map(|it| (Some(it), place.wrapping_add(it))).collect()
            }
            (Template::ANCHORED, anchor) => {
                let place = u64::from(anchor).wrapping_sub(self.sample.context) % STACK_SIZE;
                vec![(None, place)]
            }
            (Template::REGISTERS, _) => {
                let place = self.sample.interrupted_at(&[place], next).next()?;
                return Some(vec![(None, place)]);
            }
            _ => return None,
        };
        steps.retain(|&(_, to)| self.sample.word(to) == Some(next));
        Some(steps)
    }

    /// Whether a stack that ends with this return address ends at this place.
    fn is_end(&self, ip: u64, place: u64) -> bool {
        let is_user_above = |place| self.sample.is_user_above(place);
        is_user_above(place) || !self.sample.places(ip).any(is_user_above)
    }
}
