//! What keeps processes from being seen.

use rustix::thread::CapabilitySet;

use crate::{
    kernel::{host, mountinfo::Mount},
    model::{Feature, Limitation},
};

/// Whether `/proc` hides the processes of others from this user (`hidepid`,
/// Documentation/filesystems/proc.rst).
pub(super) fn others() -> Option<Limitation> {
    let mounts = host::read("/proc/self/mountinfo").ok()?;
    let mut mounts = mounts.lines().filter_map(Mount::parse);
    let proc = mounts.find(|mount| mount.kind == "proc" && mount.point == "/proc")?;
    let hides = hides(proc.options)?;
    let sees_all = host::capabilities()
        .ok()?
        .contains(CapabilitySet::SYS_PTRACE);
    (!sees_all).then(|| {
        let reason = format!("/proc is mounted with {hides}, which hides them");
        let limitation = Feature::ProcessesOfOthers.degraded(reason);
        limitation.remedied("run it as root")
    })
}

/// The option that hides them, if one does.
fn hides(options: &str) -> Option<&str> {
    let mut options = options.split(',');
    let option = options.find(|it| it.starts_with("hidepid="))?;
    (!["hidepid=0", "hidepid=off"].contains(&option)).then_some(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_options_hide_processes() {
        assert_eq!(hides("rw,gid=4,hidepid=2"), Some("hidepid=2"));
        assert_eq!(hides("rw,hidepid=invisible"), Some("hidepid=invisible"));
        for options in ["rw", "rw,hidepid=0", "rw,hidepid=off"] {
            assert_eq!(hides(options), None, "{options}");
        }
    }
}
