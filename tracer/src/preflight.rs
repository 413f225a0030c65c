//! What must be so before a trace can begin; each failure names its remedy.

use anyhow::{Result, bail, ensure};

use crate::{
    capture::{self, PageArray, Scope, Settings},
    cli::HookChoice,
    kernel::{btf::Btf, capabilities::Capabilities, host},
};

/// `MIGRATE_MOVABLE` where BTF does not tell; it has not moved since 2007
/// (include/linux/mmzone.h).
const MIGRATE_MOVABLE: u32 = 1;

/// What the user wishes for.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// Which allocations to record.
    pub scope: Scope,
    /// How many call sites to tell apart.
    pub max_sites: u32,
    /// Which kind of tracepoint to sit on.
    pub hook: HookChoice,
    /// Whether the kernel side sends messages.
    pub verbose: bool,
}

/// How to trace on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What the tracer is told.
    pub settings: Settings,
    /// Why it has to use classic tracepoints, if it has to.
    pub fallen_back: Option<&'static str>,
}

/// Finds out how to trace on this machine.
pub fn plan(wishes: Wishes) -> Result<Plan> {
    privileges(host::capabilities()?)?;
    let frames = host::frames()?;
    memory(
        capture::table_bytes(frames, wishes.max_sites),
        host::meminfo_bytes("MemAvailable")?,
    )?;
    let types = Types::read();
    let (page_array, fallen_back) = page_array(&types, wishes.hook)?;
    let settings = Settings {
        frames,
        scope: wishes.scope,
        movable: types.movable,
        max_sites: wishes.max_sites,
        page_array,
        verbose: wishes.verbose,
    };
    Ok(Plan {
        settings,
        fallen_back,
    })
}

/// Whether this process may load and attach the programs.
pub fn privileges(held: Capabilities) -> Result<()> {
    ensure!(
        held.may_trace(),
        "tracing needs root, or at least CAP_SYS_ADMIN: run it with sudo"
    );
    Ok(())
}

/// Whether the tables fit.
pub fn memory(needed: u64, available: u64) -> Result<()> {
    let (needed_mib, available_mib) = (needed.div_ceil(1 << 20), available >> 20);
    ensure!(
        needed <= available,
        "the tables need {needed_mib} MiB of kernel memory, and only {available_mib} MiB are \
         available: free some, or lower --max-sites"
    );
    Ok(())
}

/// The array of page structs, which raw tracepoints need; none for classic
/// ones, with the reason if the user did not ask for them.
fn page_array(
    types: &Types,
    choice: HookChoice,
) -> Result<(Option<PageArray>, Option<&'static str>)> {
    if choice == HookChoice::Classic {
        return Ok((None, None));
    }
    match types.page_array()? {
        Ok(array) => Ok((Some(array), None)),
        Err(missing) if choice == HookChoice::Raw => bail!(missing),
        Err(missing) => Ok((None, Some(missing))),
    }
}

/// What BTF says of the types that matter here.
#[derive(Clone, Copy, Debug)]
pub struct Types {
    page_struct_size: Option<u32>,
    movable: u32,
}

impl Types {
    /// Asks the running kernel; without BTF, only what never changes is known.
    pub fn read() -> Self {
        let blob = host::btf().unwrap_or_default();
        let btf = Btf::parse(&blob).ok();
        let movable = btf
            .as_ref()
            .and_then(|btf| btf.enumerator("MIGRATE_MOVABLE").ok());
        Self {
            page_struct_size: btf.and_then(|btf| btf.struct_size("page").ok()),
            movable: movable.unwrap_or(MIGRATE_MOVABLE),
        }
    }

    /// The array of page structs, or why it cannot be found; an error if BPF
    /// does not work.
    pub fn page_array(&self) -> Result<Result<PageArray, &'static str>> {
        let Some(size) = self.page_struct_size else {
            return Ok(Err(
                "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) to tell the size of a page struct",
            ));
        };
        let array = capture::calibrate(u64::from(size))?;
        Ok(array
            .ok_or("the page structs of this kernel do not lie in one array (SPARSEMEM_VMEMMAP)"))
    }
}

/// Whether kernel addresses can be named, for this process.
pub fn symbols() -> Result<()> {
    ensure!(
        host::kallsyms_readable()?,
        "kernel symbols are hidden, so stacks are numbers: trace as root (CAP_SYSLOG) and with \
         `sysctl kernel.kptr_restrict=1`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_told_the_remedy() {
        let nobody = Capabilities::from_status("CapEff:\t0000000000000000\n");
        let error = privileges(nobody).expect_err("nobody may not trace");
        assert!(error.to_string().contains("sudo"));
    }

    #[test]
    fn a_table_that_does_not_fit_says_by_how_much() {
        assert!(memory(1 << 20, 1 << 20).is_ok());
        let error = memory(100 << 20, 3 << 20).expect_err("it does not fit");
        assert!(error.to_string().contains("100 MiB"), "{error}");
        assert!(error.to_string().contains("3 MiB"), "{error}");
    }
}
