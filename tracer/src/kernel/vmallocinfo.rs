//! `/proc/vmallocinfo`: what vmalloc handed out, and who asked.

use std::{collections::BTreeMap, io::BufRead};

use anyhow::Result;

use crate::model::VmallocCaller;

/// The callers that were given pages, in no order.
///
/// A line is `ADDRESS-ADDRESS BYTES CALLER [MODULE] pages=N … vmalloc N0=…` (mm/vmalloc.c,
/// `vmalloc_info_show`). Areas without pages (ioremap, vmap of pages that others took) have no
/// `pages=`, or say `vmap`.
pub fn callers(vmallocinfo: impl BufRead, page_size: u64) -> Result<Vec<VmallocCaller>> {
    let mut callers = BTreeMap::<_, VmallocCaller>::new();
    for line in vmallocinfo.lines() {
        let line = line?;
        if let Some(area) = Area::parse(&line) {
            let key = (area.function.to_owned(), area.module.map(str::to_owned));
            let caller = callers.entry(key).or_default();
            caller.areas += 1;
            caller.bytes = caller
                .bytes
                .saturating_add(area.pages.saturating_mul(page_size));
        }
    }
    let named = |((function, module), counted)| VmallocCaller {
        function,
        module,
        ..counted
    };
    Ok(callers.into_iter().map(named).collect())
}

struct Area<'a> {
    function: &'a str,
    module: Option<&'a str>,
    pages: u64,
}

impl<'a> Area<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace().skip(2).peekable();
        let caller = words.next()?;
        let module = words
            .peek()
            .and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
        let words: Vec<_> = words.collect();
        if words.contains(&"vmap") {
            return None;
        }
        let pages = words.iter().find_map(|word| word.strip_prefix("pages="))?;
        Some(Self {
            // `kernel_clone+0x94/0x3e0`, or an address where names are hidden.
            function: caller.split('+').next()?,
            module,
            pages: pages.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
0x0-0x1   20480 irq_init_percpu_irqstack+0xca/0x100 vmap
0x2-0x3    8192 acpi_os_map_iomem+0x1bc/0x1e0 phys=0x00000000000a0000 ioremap
0x4-0x5   20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4
0x4-0x5   20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=2 N1=2
0x6-0x7  204800 load_module+0x1f/0x90 [evil] pages=49 vmalloc N0=49
0x8-0x9    8192 kernel_clone+0x94/0x3e0 pages=x vmalloc
0x8-0x9    8192 unpurged vm_area
";

    #[test]
    fn areas_of_a_caller_are_added_up() {
        let callers = callers(TEXT.as_bytes(), 4096).expect("text");
        let caller = |function: &str, module: Option<&str>, pages: u64, areas| VmallocCaller {
            function: function.to_owned(),
            module: module.map(str::to_owned),
            bytes: pages * 4096,
            areas,
        };
        let expected = [
            caller("kernel_clone", None, 8, 2),
            caller("load_module", Some("evil"), 49, 1),
        ];
        assert_eq!(callers, expected);
    }
}
