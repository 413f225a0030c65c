//! The BPF objects that a process holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

/// By their ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) programs: BTreeSet<u32>,
    /// With the bytes that the kernel says they take.
    pub(super) maps: BTreeMap<u32, u64>,
}

impl Held {
    /// Those of the process `pid`, without any that goes away meanwhile.
    pub(super) fn by(pid: u32) -> io::Result<Self> {
        let mut held = Self::default();
        for descriptor in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
            let text = fs::read_to_string(descriptor?.path());
            held.add(&text.unwrap_or_default());
        }
        Ok(held)
    }

    /// Adds what a text of /proc/PID/fdinfo is about.
    fn add(&mut self, text: &str) {
        let field = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(':'));
            let (_, value) = fields.find(|(field, _)| *field == name)?;
            value.trim().parse::<u64>().ok()
        };
        let id = |name| field(name).and_then(|id| u32::try_from(id).ok());
        self.programs.extend(id("prog_id"));
        let map = id("map_id").zip(field("memlock"));
        self.maps.extend(map);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_is_held_twice_counts_once() {
        let mut held = Held::default();
        held.add("pos:\t0\nprog_type:\t17\nmemlock:\t4096\nprog_id:\t1443\n");
        held.add("map_type:\t6\nmemlock:\t752\nmap_id:\t5706\n");
        held.add("map_type:\t6\nmemlock:\t752\nmap_id:\t5706\n");
        held.add("pos:\t0\nflags:\t02\n");
        assert_eq!(held.programs, BTreeSet::from([1443]));
        assert_eq!(held.maps, BTreeMap::from([(5706, 752)]));
    }
}
