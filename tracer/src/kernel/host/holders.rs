//! Who is known to hold memory that no counter shows, each measured at its source.

mod bpf;
mod devices;
mod gpu;
mod network;
mod pipes;
mod rings;

use anyhow::Result;

use self::{bpf::Bpf, gpu::Gpus, pipes::Pipes, rings::Rings};
use super::{
    descriptors::{Pass, pass, passed},
    namespaces::Namespaces,
    owners::Owners,
};
use crate::{
    kernel::bpf_fdinfo::BpfObject,
    model::{Feature, KnownHolder, Limitation, MemoryCounters},
};

/// Every known holder, and what could not be read. `bpf` is what the kernel lists of BPF.
pub fn known_holders(
    counters: &MemoryCounters,
    bpf: Result<Vec<BpfObject>>,
) -> (Vec<KnownHolder>, Vec<Limitation>) {
    let mut findings = Findings::default();
    let mut found = Found::default();
    let pass = found.pass();
    findings.limitations.extend(passed(pass));
    match bpf {
        Ok(listed) => found.bpf.add(listed),
        Err(error) => {
            findings.limited(
                Feature::BpfMemory,
                &format!("{error:#}"),
                Some("run it as root"),
            );
        }
    }
    findings.extend(found.bpf.holders());
    findings.extend(found.rings.holders());
    findings.extend(found.pipes.holder());
    findings.extend(
        found
            .gpus
            .holder(counters.meminfo.contains_key("GPUActive")),
    );
    network::look(found.namespaces, &found.owners, &mut findings);
    devices::look(counters, &mut findings);
    (findings.holders, findings.limitations)
}

/// What one pass over the descriptors of all processes tells.
#[derive(Default)]
struct Found {
    namespaces: Namespaces,
    owners: Owners,
    bpf: Bpf,
    rings: Rings,
    pipes: Pipes,
    gpus: Gpus,
}

impl Found {
    fn pass(&mut self) -> Result<Pass> {
        pass(&mut [
            &mut self.namespaces,
            &mut self.owners,
            &mut self.bpf,
            &mut self.rings,
            &mut self.pipes,
            &mut self.gpus,
        ])
    }
}

/// Holders and limitations, as they are found.
#[derive(Default)]
struct Findings {
    holders: Vec<KnownHolder>,
    limitations: Vec<Limitation>,
}

impl Findings {
    fn extend(&mut self, holders: impl IntoIterator<Item = KnownHolder>) {
        self.holders.extend(holders);
    }

    fn limited(&mut self, feature: Feature, reason: &str, remedy: Option<&str>) {
        let limitation = feature.degraded(reason);
        self.limitations.push(match remedy {
            Some(remedy) => limitation.remedied(remedy),
            None => limitation,
        });
    }
}
