//! Where the first return address above the programs' context lies.

use super::{candidates::Candidates, sample::StackSample};

/// How many of the innermost frames may lie below the programs' context.
const MOST_BELOW: usize = 8;

/// Where the first return address above the programs' context lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FirstReturn {
    /// How far above, in bytes; 0 while it is not known.
    pub(super) offset: u32,
    /// How many of the frames that the kernel's unwinder reports lie below.
    pub(super) frames_below: u32,
}

/// What samples have shown of it.
#[derive(Debug, Default)]
pub(super) struct FirstReturns {
    /// Offsets of each of the innermost frames above the context.
    offsets: [Candidates; MOST_BELOW],
}

impl FirstReturns {
    /// Removes the offsets that are impossible on this sample.
    pub(super) fn narrow(&mut self, sample: &StackSample) {
        for (&frame, offsets) in sample.frames.iter().zip(&mut self.offsets) {
            offsets.narrow(sample.offsets_of(frame).collect());
        }
    }

    /// Where programs start to unwind.
    pub(super) fn first(&self) -> FirstReturn {
        let found = (0..).zip(&self.offsets);
        let mut found = found.filter_map(|(frame, offsets)| Some((frame, offsets.least()?)));
        let first = found.next().map(|(frames_below, offset)| FirstReturn {
            offset: offset as u32,
            frames_below,
        });
        first.unwrap_or_default()
    }
}
