//! What this process needed.

use std::{fs, io};

/// The most memory that this process ever had resident.
pub fn peak_bytes() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
    let kilobytes = line.and_then(|number| number.trim().parse::<u64>().ok());
    kilobytes
        .map(|it| it * 1024)
        .ok_or_else(|| io::Error::other("/proc/self/status does not tell the peak"))
}
