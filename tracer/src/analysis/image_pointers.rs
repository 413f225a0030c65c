//! Where page frames full of pointers point to in the kernel's own text and data: never what else they
//! have.

use std::{cmp::Reverse, collections::HashMap, ops::Range};

use rustc_hash::FxHashMap;

use crate::model::{Frame, PointersToImage, SymbolPointers};

/// The kernel proper and its modules on x86-64: from `__START_KERNEL_map` to before `MODULES_END`
/// (arch/x86/include/asm). Behind it are small numbers below zero.
const IMAGE: Range<u64> = 0xffff_ffff_8000_0000..0xffff_ffff_ff00_0000;

/// Where the kernel proper and its modules are, if its text begins there. On arm64 that can be anywhere,
/// with modules less than 2 GiB below (arch/arm64/kernel/module.c); kernels are smaller than 128 MiB.
pub fn image(text: Option<u64>) -> Range<u64> {
    if cfg!(target_arch = "x86_64") {
        return IMAGE;
    }
    let around = |text: u64| text.saturating_sub(1 << 31)..text.saturating_add(1 << 27);
    text.map_or(0..0, around)
}

/// Addresses that are told apart: 1 MiB of them. What is in use has hundreds.
const MOST: usize = 1 << 16;

/// How many pointers lead to each address.
#[derive(Debug)]
pub struct ImagePointers {
    image: Range<u64>,
    pointers: FxHashMap<u64, u64>,
    /// Pointers to addresses beyond [`MOST`].
    left_out: u64,
}

impl ImagePointers {
    /// None yet, to what lies at these addresses.
    pub fn to(image: Range<u64>) -> Self {
        Self {
            image,
            pointers: FxHashMap::default(),
            left_out: 0,
        }
    }

    /// Adds the pointers in a page frame.
    pub fn add(&mut self, page: &[u8]) {
        let words = page.chunks_exact(8).filter_map(|it| it.try_into().ok());
        let words = words.map(u64::from_ne_bytes);
        for word in words.filter(|word| self.image.contains(word)) {
            if self.pointers.len() < MOST || self.pointers.contains_key(&word) {
                *self.pointers.entry(word).or_default() += 1;
            } else {
                self.left_out += 1;
            }
        }
    }

    /// The addresses that they lead to.
    pub fn addresses(&self) -> Vec<u64> {
        self.pointers.keys().copied().collect()
    }

    /// The same by the symbols at these addresses, those with most pointers first.
    pub fn by_symbol(self, symbols: &HashMap<u64, Frame>) -> PointersToImage {
        let mut named = HashMap::<_, u64>::new();
        let mut unnamed = self.left_out;
        for (address, pointers) in self.pointers {
            let frame = symbols.get(&address);
            match frame.and_then(|it| Some((it.symbol.as_deref()?, it.module.as_deref()))) {
                Some(symbol) => *named.entry(symbol).or_default() += pointers,
                None => unnamed += pointers,
            }
        }
        let symbols = named.into_iter();
        let symbols = symbols.map(|((symbol, module), pointers)| SymbolPointers {
            symbol: symbol.to_owned(),
            module: module.map(str::to_owned),
            pointers,
        });
        let mut symbols: Vec<_> = symbols.collect();
        symbols.sort_by(|a, b| {
            (Reverse(a.pointers), &a.symbol, &a.module).cmp(&(
                Reverse(b.pointers),
                &b.symbol,
                &b.module,
            ))
        });
        PointersToImage { symbols, unnamed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn at(address: u64, symbol: &str, module: Option<&str>) -> (u64, Frame) {
        let frame = Frame {
            symbol: Some(symbol.to_owned()),
            module: module.map(str::to_owned),
            ..Frame::unnamed(address)
        };
        (address, frame)
    }

    const RECEIVE: u64 = 0xffff_ffff_8100_1000;
    const WITHIN_RECEIVE: u64 = RECEIVE + 0x24;
    const FILE_OPERATIONS: u64 = 0xffff_ffff_c012_0040;
    const NAMELESS: u64 = 0xffff_ffff_8300_0000;

    #[test]
    fn pointers_are_counted_by_symbol() {
        let mut pointers = ImagePointers::to(IMAGE);
        pointers.add(&page(&[
            RECEIVE,
            FILE_OPERATIONS,
            FILE_OPERATIONS,
            NAMELESS,
        ]));
        pointers.add(&page(&[WITHIN_RECEIVE, FILE_OPERATIONS]));
        let symbols = HashMap::from([
            at(RECEIVE, "tcp_v4_rcv", None),
            at(WITHIN_RECEIVE, "tcp_v4_rcv", None),
            at(FILE_OPERATIONS, "ext4_file_operations", Some("ext4")),
        ]);
        let found = pointers.by_symbol(&symbols);
        let seen: Vec<_> = found
            .symbols
            .iter()
            .map(|it| (&*it.symbol, it.pointers))
            .collect();
        assert_eq!(seen, [("ext4_file_operations", 3), ("tcp_v4_rcv", 2)]);
        assert_eq!(found.symbols[0].module.as_deref(), Some("ext4"));
        assert_eq!(found.unnamed, 1);
    }

    #[test]
    fn neither_other_memory_nor_small_numbers_are_pointers_to_the_kernel() {
        let mut pointers = ImagePointers::to(IMAGE);
        let errors = [u64::MAX, 0_u64.wrapping_sub(4095), 0xffff_ffff_ff00_0000];
        let others = [0, 1, 0xffff_8880_0000_1000, 0xffff_ffff_7fff_ffff];
        pointers.add(&page(&[errors.as_slice(), &others].concat()));
        pointers.add(&page(&[RECEIVE])[..7]);
        assert_eq!(pointers.addresses(), [0_u64; 0]);
        assert_eq!(
            pointers.by_symbol(&HashMap::new()),
            PointersToImage::default()
        );
    }

    #[test]
    fn addresses_beyond_a_number_are_counted_without_names() {
        let mut pointers = ImagePointers::to(IMAGE);
        let words: Vec<_> = (0..MOST as u64 + 9).map(|it| RECEIVE + it).collect();
        pointers.add(&page(&words));
        pointers.add(&page(&[RECEIVE]));
        assert_eq!(pointers.addresses().len(), MOST);
        let symbols: HashMap<_, _> = [at(RECEIVE, "tcp_v4_rcv", None)].into();
        let found = pointers.by_symbol(&symbols);
        assert_eq!(found.symbols[0].pointers, 2);
        assert_eq!(found.unnamed, MOST as u64 - 1 + 9);
    }
}
