//! System memory of GPUs: what each client has, and what the driver counts for all.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::kernel::host::owners::process;
use crate::{
    kernel::{
        drm_fdinfo::{self, DrmClient},
        host::descriptors::{Descriptor, Visitor},
    },
    model::{Certainty, HolderKind, KnownHolder},
};

/// Clients of GPUs, by device and number, each with the first process that was seen to be it.
#[derive(Default)]
pub(super) struct Gpus {
    clients: BTreeMap<(String, u64), (DrmClient, u32)>,
}

impl Visitor for Gpus {
    fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
        let target = Path::new(descriptor.target);
        if !target.starts_with("/dev/dri") && !target.starts_with("/dev/accel") {
            return;
        }
        let client = descriptor.info().ok();
        if let Some(client) = client.and_then(|text| drm_fdinfo::client(&text)) {
            let device = client.device.as_ref().unwrap_or(&client.driver);
            let key = (device.clone(), client.id);
            let pid = descriptor.process.pid;
            self.clients.entry(key).or_insert((client, pid));
        }
    }
}

impl Gpus {
    /// What all GPUs hold of the machine's memory. Where `/proc/meminfo` has `GPUActive`, it is
    /// in there.
    pub(super) fn holder(&self, counted: bool) -> Option<KnownHolder> {
        let clients = self.clients.values();
        let clients =
            clients.map(|(client, pid)| (client.system_bytes, Part::Client(client, *pid)));
        let rest = self.without_client();
        let rest = rest.map(|(bytes, device)| (bytes, Part::Rest(device)));
        let certainty = if counted {
            Certainty::Counted
        } else {
            Certainty::AtMost
        };
        KnownHolder::of(
            HolderKind::Gpu,
            certainty,
            "fdinfo: drm-*, mem_info_gtt_used",
            clients.chain(rest),
            Part::name,
        )
    }

    /// What a driver counts for a device beyond what its clients say: with its address.
    fn without_client(&self) -> impl Iterator<Item = (u64, String)> {
        driver_counts().into_iter().map(|(device, counted)| {
            let clients = self.clients.iter().filter(|((of, _), _)| *of == device);
            let listed = clients.fold(0_u64, |sum, (_, (client, _))| {
                sum.saturating_add(client.system_bytes)
            });
            (counted.saturating_sub(listed), device)
        })
    }
}

/// A part of what a GPU holds.
enum Part<'a> {
    Client(&'a DrmClient, u32),
    Rest(String),
}

impl Part<'_> {
    fn name(&self) -> String {
        match self {
            Self::Client(client, pid) => format!("{}, {}", client.driver, process(*pid)),
            Self::Rest(device) => format!("{device}, no client seen"),
        }
    }
}

/// Bytes by the device's address: `mem_info_gtt_used` of amdgpu.
fn driver_counts() -> Vec<(String, u64)> {
    let cards = fs::read_dir("/sys/class/drm")
        .into_iter()
        .flatten()
        .flatten();
    // Connectors of a card have names like `card0-DP-1`, and the same device.
    let cards = cards.filter(|card| !card.file_name().to_string_lossy().contains('-'));
    let devices: BTreeMap<PathBuf, u64> = cards
        .filter_map(|card| {
            let device = fs::canonicalize(card.path().join("device")).ok()?;
            let used = fs::read_to_string(device.join("mem_info_gtt_used")).ok()?;
            Some((device, used.trim().parse().ok()?))
        })
        .collect();
    let named = devices.into_iter().filter_map(|(device, bytes)| {
        let address = device.file_name()?.to_string_lossy().into_owned();
        Some((address, bytes))
    });
    named.collect()
}
