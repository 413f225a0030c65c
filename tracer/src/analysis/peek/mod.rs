//! What bytes hold: text, keys of JSON, zeros, and how random they are.

mod counter;
mod keys;
mod mask;
mod sample;
mod text;

pub use sample::spread;

use counter::Counter;

use crate::model::Peek;

/// Texts that are kept of each kind.
const KEPT: usize = 100;

/// Takes in stretches of memory, one after the other.
pub struct Scanner {
    bytes: [u64; 256],
    keys: Counter,
    strings: Counter,
    /// How many values were masked; none if none is to be.
    masked: Option<u64>,
}

impl Scanner {
    /// One that has seen nothing yet; `raw` has it keep what looks like a secret.
    pub fn new(raw: bool) -> Self {
        Self {
            bytes: [0; 256],
            keys: Counter::default(),
            strings: Counter::default(),
            masked: (!raw).then_some(0),
        }
    }

    /// Takes in a stretch of memory. What touches its ends may go on beyond them, where it could
    /// be seen that it is a secret: it counts as bytes and not as text.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.bytes[usize::from(byte)] += 1;
        }
        for run in text::runs(text::inner(bytes)) {
            self.feed_text(run);
        }
    }

    fn feed_text(&mut self, run: &[u8]) {
        let masked = self.masked.as_mut().map(|count| {
            let (masked, found) = mask::masked(run);
            *count += found;
            masked
        });
        let shown = masked.as_deref().unwrap_or(run);
        keys::keys(shown).for_each(|key| self.keys.add(key));
        text::pieces(shown).for_each(|piece| self.strings.add(piece));
    }

    /// What was found.
    pub fn peek(self) -> Peek {
        let sampled_bytes = self.bytes.iter().sum();
        let json_keys = self.keys.most_frequent(KEPT);
        let mut strings = self.strings;
        for key in &json_keys {
            strings.remove(&key.text);
        }
        let mut strings = strings.most_frequent(KEPT);
        // What came once is not frequent, and may be anybody's.
        strings.retain(|it| it.count > 1);
        Peek {
            sampled_bytes,
            zero_share: share(self.bytes[0], sampled_bytes),
            entropy_bits_per_byte: entropy(&self.bytes[1..]),
            json_keys,
            strings,
            masked_values: self.masked,
            ..Peek::default()
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

/// Shannon's, in bits for each.
fn entropy(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let shares = counts.iter().map(|&count| share(count, total));
    let bits = shares
        .filter(|&share| share > 0.0)
        .map(|share| -share * share.log2());
    bits.sum::<f64>().max(0.0)
}

#[cfg(test)]
mod tests;
