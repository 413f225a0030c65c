//! The folded stacks that `--folded` writes.

use anyhow::{Context as _, Result, ensure};

/// The lines, in the order they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The lines.
    pub stacks: Vec<FoldedStack>,
}

/// `frame;frame;frame BYTES`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedStack {
    /// Outermost first.
    pub frames: Vec<String>,
    /// Bytes that this stack holds.
    pub bytes: u64,
}

impl Folded {
    /// Reads the whole document; anything but such lines is an error.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text
            .lines()
            .map(|line| stack(line).with_context(|| format!("`{line}`")));
        Ok(Self {
            stacks: lines.collect::<Result<_>>()?,
        })
    }

    /// The bytes of all stacks.
    pub fn bytes(&self) -> u64 {
        self.stacks.iter().map(|stack| stack.bytes).sum()
    }

    /// The stack with the most bytes.
    pub fn largest(&self) -> &FoldedStack {
        self.stacks
            .iter()
            .max_by_key(|stack| stack.bytes)
            .expect("some stack is folded")
    }
}

impl FoldedStack {
    /// Whether some frame's name contains `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.contains(name))
    }
}

fn stack(line: &str) -> Result<FoldedStack> {
    let (frames, bytes) = line.rsplit_once(' ').context("no space before the bytes")?;
    let frames: Vec<_> = frames.split(';').map(str::to_owned).collect();
    ensure!(
        !frames.iter().any(|frame| frame.is_empty()),
        "an empty frame"
    );
    ensure!(
        !frames.iter().any(|frame| frame.contains(' ')),
        "a space in a frame"
    );
    Ok(FoldedStack {
        frames,
        bytes: bytes.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_frames_and_bytes() {
        let folded = Folded::parse("a;b+0x1_[m] 4096\nc 8192\n").expect("two lines");
        assert_eq!(folded.stacks[0].frames, ["a", "b+0x1_[m]"]);
        assert_eq!(folded.bytes(), 12288);
        assert_eq!(folded.largest().frames, ["c"]);
    }

    #[test]
    fn what_would_break_a_flame_graph_is_refused() {
        for text in ["a;b", "a;b c", "a;;b 1", "a b;c 1", "\n"] {
            assert!(Folded::parse(text).is_err(), "{text:?}");
        }
    }
}
