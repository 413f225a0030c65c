//! The machine pagetrace runs on: the paths of all the texts, in one place.

pub mod descriptors;
mod holders;
mod images;
mod memory;
mod namespaces;
mod netlink;
mod owners;
pub mod processes;
mod samples;
mod shared_mappings;
mod shmem;
mod sock_diag;
mod sockets;

pub use holders::known_holders;
pub use images::images;
pub use memory::{counters_and_census, memory_counters};
pub use samples::Samples;
pub use shared_mappings::{SharedMapping, shared_mappings};
pub use shmem::{Depth, shmem};
pub use sockets::sockets;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read as _},
    os::{
        fd::{AsRawFd as _, BorrowedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
    system::uname,
    thread::CapabilitySet,
};

use super::{
    buddyinfo, census, cgroup,
    kallsyms::Kallsyms,
    memcg::Memcg,
    meminfo, mountinfo,
    notes::{self, BuildId},
    pageflags::PageFlagsFile,
    sockstat,
    zoneinfo::{self, Zone},
};
use crate::model::{Census, Host, TcpMemory};

/// Where the kernel describes its types.
pub const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Where the kernel lists its symbols.
pub const KALLSYMS: &str = "/proc/kallsyms";

/// Where the kernel says what each page frame is.
pub const PAGE_FLAGS: &str = "/proc/kpageflags";

/// The number of this process's network namespace; 0 if it cannot be read.
pub fn network_namespace() -> u64 {
    fs::metadata("/proc/self/ns/net").map_or(0, |namespace| namespace.ino())
}

/// What TCP accounts for on the whole machine; none of a kernel without it.
pub fn tcp_memory() -> Option<TcpMemory> {
    let pages = sockstat::tcp_pages(&read("/proc/net/sockstat").ok()?)?;
    let (pressure, limit) = sockstat::tcp_limits(&read("/proc/sys/net/ipv4/tcp_mem").ok()?)?;
    let bytes = |pages: u64| pages.saturating_mul(rustix::param::page_size() as u64);
    Some(TcpMemory {
        bytes: bytes(pages),
        pressure_bytes: bytes(pressure),
        limit_bytes: bytes(limit),
    })
}

/// The running machine.
pub fn running() -> Result<Host> {
    let uname = uname();
    Ok(Host {
        kernel: uname.release().to_string_lossy().into_owned(),
        arch: uname.machine().to_string_lossy().into_owned(),
        cpus: online_cpus(&read("/proc/stat")?),
        page_size: rustix::param::page_size() as u64,
        mem_total_bytes: meminfo_bytes("MemTotal")?,
    })
}

/// The lines of the running kernel's `/proc/meminfo` that are in kB, in bytes.
pub fn meminfo() -> Result<BTreeMap<String, u64>> {
    Ok(meminfo::lines(&read("/proc/meminfo")?))
}

/// One line of the running kernel's `/proc/meminfo`, in bytes.
pub fn meminfo_bytes(name: &str) -> Result<u64> {
    meminfo::bytes(&read("/proc/meminfo")?, name)
        .with_context(|| format!("/proc/meminfo has no readable line {name}"))
}

/// Bytes of memory that this process can still take: what the machine has
/// available, or what its memory control group leaves it if that is less.
pub fn available_bytes() -> Result<u64> {
    let machine = meminfo_bytes("MemAvailable")?;
    let texts =
        read("/proc/self/cgroup").and_then(|cgroup| Ok((cgroup, read("/proc/self/mountinfo")?)));
    let group = texts
        .ok()
        .and_then(|(cgroup, mounts)| Memcg::find(&cgroup, &mounts));
    let left = group.and_then(|group| group.available(|path| fs::read_to_string(path).ok()));
    Ok(left.map_or(machine, |left| left.min(machine)))
}

/// Where whole file systems of this kind are mounted, for this process.
pub fn mount_points(kind: &str) -> Result<Vec<PathBuf>> {
    let mounts = read("/proc/self/mountinfo")?;
    Ok(mountinfo::points(&mounts, kind)
        .map(PathBuf::from)
        .collect())
}

/// The paths of all cgroups of version 2 that this process sees, by their ids; none where none are
/// mounted.
pub fn cgroup_paths() -> BTreeMap<u64, String> {
    read("/proc/self/mountinfo").map_or_else(|_| BTreeMap::new(), |mounts| cgroup::paths(&mounts))
}

/// The page frames that exist, by zone.
pub fn zones() -> Result<Vec<Zone>> {
    zoneinfo::zones(BufReader::new(open("/proc/zoneinfo")?))
}

/// The largest order of the kernel's page allocator.
pub fn largest_order() -> Result<u32> {
    buddyinfo::largest_order(BufReader::new(open("/proc/buddyinfo")?))
}

/// Every page frame, counted by what it is.
fn census() -> Result<Census> {
    let counted = census::census(&page_flags()?, &zones()?);
    counted.with_context(|| format!("cannot read {PAGE_FLAGS}"))
}

/// What each page frame is now; an error where the kernel does not tell
/// (`CONFIG_PROC_PAGE_MONITOR`) or not this process.
pub fn page_flags() -> Result<PageFlagsFile> {
    PageFlagsFile::open(PAGE_FLAGS)
}

/// What this process may do.
pub fn capabilities() -> Result<CapabilitySet> {
    let held = rustix::thread::capabilities(None);
    Ok(held
        .context("the kernel does not say what this process may do")?
        .effective)
}

/// Whether this process is in a user namespace that somebody made. Its capabilities then count in
/// there only, and the kernel's own doings ask for them outside of it.
pub fn in_user_namespace() -> bool {
    // PROC_USER_INIT_INO of include/linux/proc_ns.h.
    const INITIAL: u64 = 0xefff_fffd;
    let namespace = fs::metadata("/proc/self/ns/user");
    // A kernel without such namespaces has no such file.
    namespace.is_ok_and(|namespace| namespace.ino() != INITIAL)
}

/// How many more files this process may open.
pub fn descriptors_left() -> Result<u64> {
    let open = fs::read_dir("/proc/self/fd").context("cannot list /proc/self/fd")?;
    // The one that lists them is closed again.
    let open = open.count().saturating_sub(1) as u64;
    let limit = getrlimit(Resource::Nofile).current;
    Ok(limit.map_or(u64::MAX, |limit| limit.saturating_sub(open)))
}

/// Memory of this process, in bytes.
pub fn own_resident_bytes() -> Result<u64> {
    let path = "/proc/self/status";
    let status = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: Option<u64> = kib.and_then(|it| it.trim().parse().ok());
    kib.map(|kib| kib << 10)
        .with_context(|| format!("{path} does not say how much memory it has"))
}

/// What the kernel says about a descriptor of ours.
pub fn descriptor_info(descriptor: BorrowedFd<'_>) -> io::Result<String> {
    fs::read_to_string(format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd()))
}

/// Id of the process that a task belongs to.
pub fn process_of(task: u32) -> Result<u32> {
    let path = format!("/proc/{task}/status");
    let status = fs::read_to_string(path).with_context(|| format!("there is no process {task}"))?;
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    let process = process.and_then(|id| id.trim().parse().ok());
    process.with_context(|| format!("the kernel does not say what task {task} belongs to"))
}

/// Device and inode of the namespace of process ids that this process is in.
pub fn process_namespace() -> Result<(u64, u64)> {
    let path = "/proc/self/ns/pid";
    let namespace = fs::metadata(path).with_context(|| format!("cannot look at {path}"))?;
    Ok((namespace.dev(), namespace.ino()))
}

/// Bytes that may still be written to the file system of `folder`.
pub fn free_bytes(folder: &Path) -> Result<u64> {
    let about = statvfs(folder);
    let about = about.with_context(|| format!("cannot look at {}", folder.display()))?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

/// The running kernel's symbols.
pub fn kallsyms() -> Result<Kallsyms> {
    Kallsyms::read(BufReader::new(open(KALLSYMS)?))
}

/// Whether the kernel shows its addresses to this process; the first symbols tell.
pub fn kallsyms_readable() -> Result<bool> {
    let beginning = open(KALLSYMS)?.take(16 * 1024);
    Ok(Kallsyms::read(BufReader::new(beginning))?.readable())
}

/// Build id of the running kernel; none if it was built without.
pub fn build_id() -> Option<BuildId> {
    notes::build_id(&fs::read("/sys/kernel/notes").ok()?)
}

/// The machine's name.
pub fn name() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// What tells this boot from all others (random(4)).
pub fn boot_id() -> Result<String> {
    let id = read("/proc/sys/kernel/random/boot_id")?;
    Ok(id.trim().to_owned())
}

/// The running kernel's BTF blob.
pub fn btf() -> Result<Vec<u8>> {
    fs::read(BTF).with_context(|| {
        format!("cannot read {BTF}: pagetrace needs a kernel built with CONFIG_DEBUG_INFO_BTF")
    })
}

/// The BTF blob of a module; none if it is not loaded. An error if it is, and has none: modules have BTF
/// since Linux 5.11.
pub fn module_btf(name: &str) -> Result<Option<Vec<u8>>> {
    if !Path::new("/sys/module").join(name).exists() {
        return Ok(None);
    }
    let path = format!("/sys/kernel/btf/{name}");
    let blob = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(Some(blob))
}

/// CPUs online: `/proc/stat` has a line `cpuN` for each, below the total `cpu`.
fn online_cpus(stat: &str) -> usize {
    let lines = stat.lines().filter_map(|line| line.strip_prefix("cpu"));
    lines
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .count()
}

fn open(path: &str) -> Result<File> {
    File::open(path).with_context(|| format!("cannot open {path}"))
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_total_is_not_a_cpu() {
        assert_eq!(super::online_cpus("cpu  1 2\ncpu0 1\ncpu3 1\nintr 7\n"), 2);
    }
}
