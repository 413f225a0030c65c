//! From one return address of a stack to the next, by ways that are all possible:
//! the path through the maze of stale copies.

use tracer_ebpf::Template;

use super::{super::sample::StackSample, Seen, way::Way};

/// How many places to try before giving up.
const TRIES: u32 = 1_000;

/// The path through a stack.
struct Maze<'a, F> {
    sample: &'a StackSample,
    frames: &'a [u64],
    seen: F,
    tries: u32,
}

/// The way from each of `frames` to the next on a path from the place `first` to
/// the end of the stack; none where there is no choice. Empty if there is no path.
pub(super) fn ways<'a>(
    sample: &'a StackSample,
    frames: &'a [u64],
    first: u64,
    seen: impl Fn(u64) -> Option<&'a Seen>,
) -> Vec<Option<Way>> {
    let mut maze = Maze {
        sample,
        frames,
        seen,
        tries: TRIES,
    };
    let path = maze.path(0, first).unwrap_or_default();
    path.into_iter().rev().collect()
}

impl<'a, F: Fn(u64) -> Option<&'a Seen>> Maze<'a, F> {
    /// The ways from frame `at`, which lies at `place`, outermost first; none if
    /// there is no path from there.
    fn path(&mut self, at: usize, place: u64) -> Option<Vec<Option<Way>>> {
        self.tries = self.tries.checked_sub(1)?;
        let ip = *self.frames.get(at)?;
        let Some(&next) = self.frames.get(at + 1) else {
            return self.is_end(ip, place).then(Vec::new);
        };
        // As far as anybody can see.
        let Some(steps) = self.steps(ip, place, next) else {
            return Some(Vec::new());
        };
        steps.into_iter().find_map(|(way, to)| {
            let mut path = self.path(at + 1, to)?;
            path.push(way);
            Some(path)
        })
    }

    /// Where `next` can lie, with the way if there is a choice; none if that cannot
    /// be known.
    fn steps(&self, ip: u64, place: u64, next: u64) -> Option<Vec<(Option<Way>, u64)>> {
        let seen = (self.seen)(ip)?;
        match seen.kind() {
            (Template::FRAME | Template::ANCHORED | Template::REALIGNED, _) => {
                let steps = seen.ways().map(|way| (way, way.from(place, self.sample)));
                let steps = steps.filter(|&(_, to)| self.sample.word(to) == Some(next));
                Some(steps.map(|(way, to)| (Some(way), to)).collect())
            }
            (Template::REGISTERS, _) => {
                let place = self.sample.interrupted_at(&[place], next).next()?;
                Some(vec![(None, place)])
            }
            _ => None,
        }
    }

    /// Whether a stack that ends with this return address ends at this place.
    fn is_end(&self, ip: u64, place: u64) -> bool {
        let is_user_above = |place| self.sample.is_user_above(place);
        is_user_above(place) || !self.sample.places(ip).any(is_user_above)
    }
}
