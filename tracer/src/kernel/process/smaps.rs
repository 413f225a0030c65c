//! `/proc/PID/smaps` and `smaps_rollup`: the mappings of a process, and what of them is present.

use std::{
    cmp::Reverse,
    collections::HashMap,
    io::{self, BufRead},
    ops::Range,
};

use super::status::bytes;
use crate::model::Mapping;

/// One mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Its addresses.
    pub range: Range<u64>,
    /// Its sizes and its name, as if it were the only one of that name.
    pub mapping: Mapping,
}

/// Hands over the mappings in the order of their addresses.
///
/// Each is a line as in `maps`, then lines `Field:  N kB` (fs/proc/task_mmu.c, `show_smap`).
/// Fields that are missing leave zero, fields that are not known are passed over: kernels differ.
pub fn areas(mut smaps: impl BufRead, mut each: impl FnMut(Area)) -> io::Result<()> {
    let (mut line, mut current) = (Vec::new(), None);
    while read_line(&mut smaps, &mut line)? {
        if let Some(next) = header(&line) {
            current.replace(next).into_iter().for_each(&mut each);
        } else if let Some(area) = &mut current {
            add_field(&line, area);
        }
    }
    current.into_iter().for_each(each);
    Ok(())
}

/// The mappings, all of one name together, largest first.
pub fn mappings(smaps: impl BufRead) -> io::Result<Vec<Mapping>> {
    let mut by_name = HashMap::<String, Mapping>::new();
    areas(smaps, |Area { mapping, .. }| {
        match by_name.get_mut(&mapping.name) {
            Some(sum) => add(sum, &mapping),
            None => drop(by_name.insert(mapping.name.clone(), mapping)),
        }
    })?;
    let mut mappings: Vec<_> = by_name.into_values().collect();
    mappings.sort_by(|a, b| a.name.cmp(&b.name));
    mappings.sort_by_key(|it| Reverse(it.held_bytes()));
    Ok(mappings)
}

/// The proportional size of all mappings together; none if the text does not tell.
pub fn pss(rollup: &[u8]) -> Option<u64> {
    let mut lines = rollup.split(|&byte| byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(b"Pss:"))?;
    bytes(str::from_utf8(value).ok()?)
}

fn add(sum: &mut Mapping, other: &Mapping) {
    for (sum, bytes) in [
        (&mut sum.count, other.count),
        (&mut sum.size_bytes, other.size_bytes),
        (&mut sum.rss_bytes, other.rss_bytes),
        (&mut sum.pss_bytes, other.pss_bytes),
        (&mut sum.anonymous_bytes, other.anonymous_bytes),
        (&mut sum.swap_bytes, other.swap_bytes),
    ] {
        *sum = sum.saturating_add(bytes);
    }
}

/// The next line without its end; false if there is none.
fn read_line(smaps: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let is_line = smaps.read_until(b'\n', line)? > 0;
    line.pop_if(|byte| *byte == b'\n');
    Ok(is_line)
}

/// `556650928000-55665092a000 r--p 00000000 fe:00 247282    /usr/bin/head`: a name may have
/// spaces, bytes that are no UTF-8, and its line breaks read `\012`. Fields begin with a capital.
fn header(line: &[u8]) -> Option<Area> {
    if !line.first()?.is_ascii_hexdigit() || line.first()?.is_ascii_uppercase() {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let mut words = text.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let range = address(start)?..address(end)?;
    let name = words.nth(4).unwrap_or_default().trim_start();
    let name = if name.is_empty() {
        Mapping::ANONYMOUS
    } else {
        name
    };
    let mapping = Mapping {
        name: name.to_owned(),
        count: 1,
        size_bytes: range.end.saturating_sub(range.start),
        ..Mapping::default()
    };
    Some(Area { range, mapping })
}

fn add_field(line: &[u8], area: &mut Area) {
    let Some((field, value)) = str::from_utf8(line).ok().and_then(|it| it.split_once(':')) else {
        return;
    };
    let mapping = &mut area.mapping;
    let size = match field {
        "Rss" => &mut mapping.rss_bytes,
        "Pss" => &mut mapping.pss_bytes,
        "Anonymous" => &mut mapping.anonymous_bytes,
        "Swap" => &mut mapping.swap_bytes,
        _ => return,
    };
    *size = bytes(value).unwrap_or(0);
}

#[cfg(test)]
#[path = "smaps_tests.rs"]
mod tests;
