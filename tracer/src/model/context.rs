//! Where interrupts enter the kernel: the functions below which a stack belongs
//! to whoever was interrupted.

/// Who took pages: a task for itself, or an interrupt on top of whatever ran.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Context {
    /// A task, in a system call, a fault or a kernel thread.
    #[default]
    Task,
    /// The deferred work of interrupts, wherever it ran.
    Softirq,
    /// The handler of an interrupt.
    Irq,
}

/// The function that runs softirqs since Linux 6.10; before, the entries did so themselves.
pub const SOFTIRQ_HANDLER: &str = "handle_softirqs";

/// How the names of the stubs begin by which interrupts enter the kernel of x86-64, and
/// which lie side by side. The entries of FRED, `fred_…`, lie anywhere.
pub const STUB: &str = "asm_";

/// The stubs by which interrupts enter the kernel of arm64 (arch/arm64/kernel/entry.S): those of each
/// line lie side by side, and come on top of the kernel, of a user's program, and of one of 32 bits.
pub const ARM_STUBS: [&[&str]; 3] = [
    &["el1h_64_irq", "el1h_64_fiq", "el1_irq"],
    &["el0t_64_irq", "el0t_64_fiq", "el0_irq", "el0_irq_naked"],
    &["el0t_32_irq", "el0t_32_fiq", "el0_irq_compat"],
];

/// The context that begins with this function; none for any other function.
///
/// Sources: arch/x86/include/asm/idtentry.h, arch/x86/entry/entry_fred.c, arch/arm64/kernel/entry.S,
/// kernel/softirq.c. Before
/// Linux 6.10, `__do_softirq` shared its address with the start of its section.
pub fn entered_by(function: &str) -> Option<Context> {
    const IRQ: [&str; 5] = [
        "asm_common_interrupt",
        "asm_spurious_interrupt",
        "asm_sysvec_",
        "fred_extint",
        "fred_sysvec_",
    ];
    const SOFTIRQ: [&str; 3] = [SOFTIRQ_HANDLER, "__do_softirq", "__softirqentry_text_start"];
    if SOFTIRQ.contains(&function) {
        return Some(Context::Softirq);
    }
    let mut stubs = ARM_STUBS.iter().copied().flatten();
    let is_irq =
        IRQ.iter().any(|entry| function.starts_with(entry)) || stubs.any(|stub| *stub == function);
    is_irq.then_some(Context::Irq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_from_their_neighbours() {
        for (function, context) in [
            ("asm_sysvec_apic_timer_interrupt", Some(Context::Irq)),
            ("asm_common_interrupt", Some(Context::Irq)),
            ("el1h_64_irq", Some(Context::Irq)),
            ("el0_irq", Some(Context::Irq)),
            ("el0_irq_naked", Some(Context::Irq)),
            ("el1h_64_irq_handler", None),
            ("el0t_64_sync", None),
            ("handle_softirqs", Some(Context::Softirq)),
            ("__do_softirq", Some(Context::Softirq)),
            ("do_softirq", None),
            ("asm_exc_page_fault", None),
            ("common_interrupt_return", None),
        ] {
            assert_eq!(entered_by(function), context, "{function}");
        }
    }
}
