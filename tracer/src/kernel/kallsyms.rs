//! `/proc/kallsyms`: which module an address lies in, where the kernel begins,
//! and where interrupts enter it.
//!
//! Names are resolved by blazesym; it drops the module column, so that is kept here.

use std::{collections::HashMap, io::BufRead, ops::Range};

use anyhow::Result;
use tracer_ebpf::IRQ_PIECES;

use crate::model::context::{self, Context};

/// What pagetrace keeps of the symbol table.
#[derive(Debug, Default)]
pub struct Kallsyms {
    /// Start of each symbol that begins or ends a run in one module, sorted by address.
    runs: Vec<(u64, Option<u32>)>,
    modules: Vec<String>,
    stext: Option<u64>,
    etext: Option<u64>,
    names_data: bool,
    readable: bool,
    entries: InterruptEntries,
}

/// The code by which interrupts enter the kernel, as return addresses of a stack
/// show it; empty where the kernel does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterruptEntries {
    /// The stubs of all interrupts, which lie side by side; on arm64 in three places.
    pub irq: [Range<u64>; IRQ_PIECES],
    /// The function that runs softirqs.
    pub softirq: Range<u64>,
}

/// A function by which interrupts enter the kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// Of the interrupts of x86-64, whose stubs lie side by side.
    Irq,
    /// Of the interrupts of arm64 whose stubs lie in one of several places, side by side: what has the
    /// name of one and lies elsewhere is another function, of KVM.
    ArmIrq(usize),
    /// Of softirqs.
    Softirq {
        /// Whether it runs them, rather than calls what does.
        is_handler: bool,
    },
}

impl Entry {
    fn of(function: &str) -> Option<Self> {
        match context::entered_by(function)? {
            Context::Task => None,
            Context::Softirq => Some(Self::Softirq {
                is_handler: function == context::SOFTIRQ_HANDLER,
            }),
            Context::Irq if function.starts_with(context::STUB) => Some(Self::Irq),
            Context::Irq => {
                let mut pieces = context::ARM_STUBS.iter();
                let piece = pieces.position(|stubs| stubs.contains(&function));
                piece.map(Self::ArmIrq)
            }
        }
    }
}

impl InterruptEntries {
    /// Whether a return address is that of an entry.
    pub fn contain(&self, address: u64) -> bool {
        let mut all = self.irq.iter().chain([&self.softirq]);
        all.any(|entry| entry.contains(&address))
    }

    /// Widens a range by a function from `start` to before `end`; those at lower addresses come first.
    fn add(&mut self, entry: Entry, start: u64, end: u64) {
        let range = match entry {
            Entry::Irq => &mut self.irq[0],
            Entry::ArmIrq(piece) => &mut self.irq[piece],
            Entry::Softirq { .. } => &mut self.softirq,
        };
        let is_beside = range.end == start;
        if matches!(entry, Entry::ArmIrq(_)) && !range.is_empty() && !is_beside {
            return;
        }
        if range.is_empty() {
            *range = start..end;
        } else {
            *range = range.start.min(start)..range.end.max(end);
        }
    }
}

impl Kallsyms {
    /// Reads the symbol table. Lines that are not symbols are passed over.
    pub fn read(mut text: impl BufRead) -> Result<Self> {
        let mut table = Self::default();
        let mut ids = HashMap::new();
        let mut symbols = Vec::new();
        let mut entries = Vec::new();
        let mut line = String::new();
        while text.read_line(&mut line)? > 0 {
            if let Some((address, name, module)) = parse(&line) {
                table.readable |= address != 0;
                match name {
                    "_stext" => table.stext = Some(address),
                    "_etext" => table.etext = Some(address),
                    // Without CONFIG_KALLSYMS_ALL the end of data has no name (scripts/kallsyms.c).
                    "_edata" => table.names_data = true,
                    _ => (),
                }
                let entry = Entry::of(name).filter(|_| module.is_none());
                entries.extend(entry.map(|entry| (entry, address)));
                symbols.push((address, module.map(|name| table.intern(&mut ids, name))));
            }
            line.clear();
        }
        symbols.sort_unstable();
        // Where there is a handler, the other entries of softirqs only call it.
        let handler = Entry::Softirq { is_handler: true };
        let caller = Entry::Softirq { is_handler: false };
        if entries.iter().any(|&(entry, _)| entry == handler) {
            entries.retain(|&(entry, _)| entry != caller);
        }
        entries.sort_unstable_by_key(|&(_, start)| start);
        for (entry, start) in entries {
            let after = symbols.partition_point(|&(address, _)| address <= start);
            let end = symbols.get(after).map_or(start, |&(address, _)| address);
            table.entries.add(entry, start, end);
        }
        symbols.dedup_by_key(|(_, module)| *module);
        table.runs = symbols;
        Ok(table)
    }

    /// Whether the kernel shows its addresses; if not, every address reads as 0.
    pub const fn readable(&self) -> bool {
        self.readable
    }

    /// Address of `_stext`, where the kernel's text begins.
    pub fn stext(&self) -> Option<u64> {
        self.stext.filter(|&address| address != 0)
    }

    /// Whether an address is in the text of the kernel proper.
    pub fn is_text(&self, address: u64) -> bool {
        let text = self.stext.zip(self.etext);
        text.is_some_and(|(start, end)| (start..end).contains(&address))
    }

    /// Whether data has names, too (`CONFIG_KALLSYMS_ALL`).
    pub const fn names_data(&self) -> bool {
        self.names_data
    }

    /// Where interrupts enter the kernel.
    pub const fn interrupt_entries(&self) -> &InterruptEntries {
        &self.entries
    }

    /// The module that the symbol at or before `address` belongs to, or none
    /// for the kernel proper.
    pub fn module(&self, address: u64) -> Option<&str> {
        let after = self.runs.partition_point(|&(start, _)| start <= address);
        let (_, module) = self.runs[..after].last()?;
        Some(&self.modules[(*module)? as usize])
    }

    fn intern(&mut self, ids: &mut HashMap<String, u32>, name: &str) -> u32 {
        if let Some(&id) = ids.get(name) {
            return id;
        }
        let id = self.modules.len() as u32;
        self.modules.push(name.to_owned());
        ids.insert(name.to_owned(), id);
        id
    }
}

/// Address, name and module of a line such as `ffffffffc0a81000 t rx_fill\t[virtio_net]`.
fn parse(line: &str) -> Option<(u64, &str, Option<&str>)> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let name = words.nth(1)?;
    let module = words
        .next()
        .and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
    Some((address, name, module))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
ffffffff81000000 T _stext
ffffffff81000100 T do_one
ffffffffc0000000 t rx_fill\t[virtio_net]
ffffffffc0000100 t rx_free\t[virtio_net]
ffffffffc0002000 t probe\t[e1000]
not a symbol
ffffffffc0004000 t bpf_prog_1_alloc\t[bpf]
";

    fn table(text: &str) -> Kallsyms {
        Kallsyms::read(text.as_bytes()).expect("bytes can be read")
    }

    #[test]
    fn an_address_finds_its_module() {
        let table = table(TEXT);
        assert_eq!(table.module(0xffff_ffff_c000_0150), Some("virtio_net"));
        assert_eq!(table.module(0xffff_ffff_c000_2000), Some("e1000"));
        assert_eq!(table.module(0xffff_ffff_8100_0104), None);
        assert_eq!(table.module(0), None);
    }

    #[test]
    fn the_start_of_text_is_kept() {
        assert_eq!(table(TEXT).stext(), Some(0xffff_ffff_8100_0000));
    }

    #[test]
    fn text_is_told_from_data() {
        let text = "ffffffff81000000 T _stext\nffffffff82000000 T _etext\n";
        let without = table(text);
        assert!(without.is_text(0xffff_ffff_81ff_ffff) && !without.is_text(0xffff_ffff_8200_0000));
        assert!(!without.names_data());
        assert!(table(&format!("{text}ffffffff82c2f2c0 D _edata\n")).names_data());
        assert!(
            !table(TEXT).is_text(0xffff_ffff_8100_0000),
            "no end is known"
        );
    }

    #[test]
    fn interrupt_entries_reach_to_the_next_function() {
        let text = "\
ffffffff81000c60 T asm_exc_page_fault
ffffffff81000d40 T asm_common_interrupt
ffffffff81000df0 T asm_sysvec_apic_timer_interrupt
ffffffff81000f70 T __irqentry_text_end
ffffffff813331e0 T fred_sysvec_apic_timer_interrupt
ffffffff81360020 t handle_softirqs
ffffffff81360bb0 T do_softirq
ffffffff82202150 T __softirqentry_text_start
ffffffff82202160 T __do_softirq
ffffffff8220216c T __softirqentry_text_end
";
        let expected = InterruptEntries {
            irq: [0xffff_ffff_8100_0d40..0xffff_ffff_8100_0f70, 0..0, 0..0],
            softirq: 0xffff_ffff_8136_0020..0xffff_ffff_8136_0bb0,
        };
        assert_eq!(table(text).interrupt_entries(), &expected);
        assert_eq!(
            table(TEXT).interrupt_entries(),
            &InterruptEntries::default()
        );
    }

    #[test]
    fn interrupts_of_arm64_enter_in_three_places() {
        let text = "\
ffff8000800117f0 t el1h_64_sync
ffff800080011860 t el1h_64_irq
ffff8000800118d0 t el1h_64_fiq
ffff800080011940 t el1h_64_error
ffff8000800119b0 t el0t_64_sync
ffff800080011b58 t el0t_64_irq
ffff800080011d00 t el0t_64_fiq
ffff800080011ea8 t el0t_64_error
ffff800080012050 t el0t_32_sync
ffff8000800121f8 t el0t_32_irq
ffff800080012390 t el0t_32_fiq
ffff800080012530 t el0t_32_error
ffff800080cb0e54 t el1h_64_irq_handler
ffff80008009a064 t el1_fiq
ffff80008009a064 t el1_irq
ffff80008009a084 t el1_error
";
        let expected = InterruptEntries {
            irq: [
                0xffff_8000_8001_1860..0xffff_8000_8001_1940,
                0xffff_8000_8001_1b58..0xffff_8000_8001_1ea8,
                0xffff_8000_8001_21f8..0xffff_8000_8001_2530,
            ],
            softirq: 0..0,
        };
        assert_eq!(table(text).interrupt_entries(), &expected);
    }

    #[test]
    fn hidden_addresses_are_noticed() {
        let hidden = table("0000000000000000 T _stext\n0000000000000000 T do_one\n");
        assert!(!hidden.readable());
        assert_eq!(hidden.stext(), None);
        let entries = table("0000000000000000 T handle_softirqs\n");
        assert!(entries.interrupt_entries().softirq.is_empty());
        assert!(table(TEXT).readable());
    }
}
