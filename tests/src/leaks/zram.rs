//! Incompressible data on a compressed disk: zsmalloc's pages, movable and yet the kernel's.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
    process::Command,
};

use rustix::param::page_size;

use super::Held;
use crate::announcement::Announcement;

const CONTROL: &str = "/sys/class/zram-control";

/// `leak zram`
#[derive(clap::Args)]
pub struct Zram {
    /// How many MiB to write
    #[arg(long, default_value_t = 16)]
    pub mib: usize,
}

impl Zram {
    /// Why this kernel has no compressed disks, if so.
    pub fn refusal() -> Option<String> {
        let is_there = || fs::exists(CONTROL).unwrap_or(false);
        // It can be a module.
        let _ = is_there() || Command::new("modprobe").arg("zram").status().is_ok();
        (!is_there()).then(|| "the kernel has no zram".to_owned())
    }

    /// Writes to a disk of its own, and says how many pages that took.
    pub fn take(&self) -> io::Result<Held> {
        let disk = Disk::add()?;
        disk.set("disksize", &format!("{}M", self.mib))?;
        let data: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(self.mib << 20)
            .collect();
        let mut file = File::options().write(true).open(disk.device())?;
        file.write_all(&data)?;
        file.sync_all()?;
        drop(file);
        let pages = disk.memory()? / page_size() as u64;
        Ok(Held::new(Announcement::holding(pages), disk))
    }
}

/// A compressed disk. Dropping it gives its memory back.
struct Disk {
    id: String,
}

impl Disk {
    fn add() -> io::Result<Self> {
        let id = fs::read_to_string(format!("{CONTROL}/hot_add"))?;
        Ok(Self {
            id: id.trim().to_owned(),
        })
    }

    fn device(&self) -> PathBuf {
        format!("/dev/zram{}", self.id).into()
    }

    fn attribute(&self, name: &str) -> String {
        format!("/sys/block/zram{}/{name}", self.id)
    }

    fn set(&self, name: &str, value: &str) -> io::Result<()> {
        fs::write(self.attribute(name), value)
    }

    /// Bytes that it takes (`mem_used_total`, Documentation/admin-guide/blockdev/zram.rst).
    fn memory(&self) -> io::Result<u64> {
        let statistics = fs::read_to_string(self.attribute("mm_stat"))?;
        let used = statistics.split_ascii_whitespace().nth(2);
        let used = used.and_then(|bytes| bytes.parse().ok());
        used.ok_or_else(|| io::Error::other(format!("no memory in {statistics}")))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Nobody is left to tell if it fails.
        let _ = self.set("reset", "1");
        let _ = fs::write(format!("{CONTROL}/hot_remove"), &self.id);
    }
}
