//! The user's filters, in the running kernel's terms.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use tracer_ebpf::MAX_ORDER;

use crate::{
    bpf::{self, Filters, GfpFilter, Process, ProcessNamespace},
    cli::{FilterArgs, GfpFlag},
    kernel::{
        cgroup::Cgroup,
        host,
        zoneinfo::{self, Zone},
    },
    render,
};

/// Looks up what the user named; an error if this machine has no such thing.
pub(super) fn resolve(args: &FilterArgs, zones: &[Zone], own_process: u32) -> Result<Filters> {
    let frames = args.node.map(|node| zoneinfo::node_frames(zones, node));
    let cgroup = args.cgroup.as_deref().map(Cgroup::at);
    let process = args.pid.map(|pid| process(pid, own_process));
    Ok(Filters {
        scope: args.scope,
        orders: args.order.clone().unwrap_or(0..=MAX_ORDER),
        gfp: gfp(&args.gfp)?,
        process: process.transpose()?,
        cgroup: cgroup.transpose()?,
        frames: frames.transpose()?,
    })
}

/// The process that a task belongs to. `own_process` is what the programs see
/// of this process: another number than its own id in a container.
fn process(task: u32, own_process: u32) -> Result<Process> {
    let id = host::process_of(task)?;
    if id != task {
        render::say(&format!(
            "{task} is a thread of process {id}, all of which is recorded"
        ));
    }
    let is_initial = own_process == std::process::id();
    let namespace = (!is_initial).then(host::process_namespace).transpose()?;
    Ok(Process {
        id,
        namespace: namespace.map(|(device, inode)| ProcessNamespace { device, inode }),
    })
}

fn gfp(flags: &[GfpFlag]) -> Result<GfpFilter> {
    if flags.is_empty() {
        return Ok(GfpFilter::default());
    }
    let known = bpf::gfp_flags()
        .context("cannot learn the names of gfp flags from the format of mm_page_alloc")?;
    let mut filter = GfpFilter::default();
    for flag in flags {
        let value = value(&known, &flag.name)?;
        if flag.excluded {
            ensure!(
                value.is_power_of_two(),
                "{} stands for several flags: exclude the one you mean",
                flag.name
            );
            filter.excluded |= value;
        } else {
            filter.required |= value;
        }
    }
    Ok(filter)
}

/// The value of a flag; its underscores may be left out, and its case does not matter.
fn value(known: &BTreeMap<String, u32>, name: &str) -> Result<u32> {
    let name = name.to_uppercase();
    let spellings = [
        name.to_owned(),
        format!("__{name}"),
        format!("__GFP_{name}"),
    ];
    let value = spellings.iter().find_map(|name| known.get(name));
    value.copied().with_context(|| {
        let names: Vec<_> = known.keys().map(String::as_str).collect();
        format!(
            "this kernel has no gfp flag {name}: it has {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_known_by_its_name() {
        let known = [("GFP_ATOMIC", 0x820), ("__GFP_ZERO", 0x100)];
        let known = known.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(value(&known, "GFP_ATOMIC").expect("a name"), 0x820);
        assert_eq!(value(&known, "GFP_ZERO").expect("short for it"), 0x100);
        assert_eq!(value(&known, "zero").expect("short for it"), 0x100);
        let error = value(&known, "GFP_NONE").expect_err("no name");
        assert!(
            error.to_string().contains("GFP_ATOMIC, __GFP_ZERO"),
            "{error}"
        );
    }
}
