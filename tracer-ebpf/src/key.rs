//! The key of a call site: a 64-bit hash of its order, gfp flags and frames.
//!
//! Two of a few thousand sites share a key once in 10^12 runs, so frames are not
//! compared again.

/// The key of a stack without frames.
#[inline(always)]
pub const fn seed(order: u32, gfp: u32) -> u64 {
    (order as u64) << 32 | gfp as u64
}

/// Adds the next frame, from the innermost on, to a key.
#[inline(always)]
pub const fn mix(key: u64, frame: u64) -> u64 {
    let key = hash(key ^ frame);
    key ^ key >> 32
}

/// Spreads a word over the upper bits of another (Fibonacci hashing).
#[inline(always)]
pub(crate) const fn hash(word: u64) -> u64 {
    word.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_its_place_counts() {
        let key = |order, gfp, frames: [u64; 2]| frames.into_iter().fold(seed(order, gfp), mix);
        let one = key(0, 1, [2, 3]);
        for other in [
            key(1, 1, [2, 3]),
            key(0, 2, [2, 3]),
            key(0, 1, [3, 2]),
            key(0, 1, [2, 4]),
        ] {
            assert_ne!(one, other);
        }
    }
}
