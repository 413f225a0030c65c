//! `/proc/PID/maps`: what a process has mapped.
//!
//! Not by a library: `procfs` fails for all mappings where it cannot read one, and a path need
//! not be UTF-8.

use crate::model::Device;

/// A mapping of a file: a line of it (Documentation/filesystems/proc.rst), as
/// `7f8a00000000-7f8a00400000 rw-s 00000000 00:01 2049   /dev/zero (deleted)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// The addresses, as the text has them: the name of the mapping in `map_files`.
    pub range: &'a str,
    /// The file system of the file.
    pub device: Device,
    /// Its inode; for a System V segment, its id.
    pub inode: u64,
    /// Its path.
    pub path: &'a [u8],
}

/// The mappings of files. What has no file, and what is not a line, is left out.
pub fn mappings(maps: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    maps.split(|&byte| byte == b'\n').filter_map(mapping)
}

fn mapping(line: &[u8]) -> Option<Mapping<'_>> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let range = str::from_utf8(fields.next()?).ok()?;
    let mut fields = fields.skip(2);
    let device = device(str::from_utf8(fields.next()?).ok()?)?;
    let inode = str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let path = fields.next()?.trim_ascii_start();
    let is_file = device != Device::default() && is_range(range) && !path.is_empty();
    is_file.then_some(Mapping {
        range,
        device,
        inode,
        path,
    })
}

/// Two hexadecimal addresses: it will be part of a path.
fn is_range(text: &str) -> bool {
    let is_address =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split_once('-')
        .is_some_and(|(start, end)| is_address(start) && is_address(end))
}

/// `MAJOR:MINOR`, hexadecimal.
fn device(text: &str) -> Option<Device> {
    let (major, minor) = text.split_once(':')?;
    Some(Device {
        major: u32::from_str_radix(major, 16).ok()?,
        minor: u32::from_str_radix(minor, 16).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"\
55e9aed9f000-55e9aeda3000 r--p 00000000 fe:00 1577                       /usr/bin/cat
55e9aedc2000-55e9aede3000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000400000 rw-s 00000000 00:01 2049                       /dev/zero (deleted)
7f0000400000-7f0000500000 rw-s 00000000 00:01 32769                      /SYSV00000000 (deleted)
7f0000500000-7f0000600000 rw-s 00000000 00:19 7                          /run/a b\xff
7f0000600000-7f0000700000 rw-p 00000000 00:00 0
../../etc-x rw-s 00000000 00:19 7                          /run/x
";

    #[test]
    fn files_are_found_with_their_device() {
        let found: Vec<_> = mappings(MAPS)
            .map(|it| (it.device.minor, it.inode, it.path))
            .collect();
        let expected: [(u32, u64, &[u8]); 4] = [
            (0, 1577, b"/usr/bin/cat"),
            (1, 2049, b"/dev/zero (deleted)"),
            (1, 32769, b"/SYSV00000000 (deleted)"),
            (0x19, 7, b"/run/a b\xff"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_range_is_two_addresses() {
        let first = mappings(MAPS).next().expect("it is there");
        assert_eq!(first.range, "55e9aed9f000-55e9aeda3000");
        assert!(!is_range("..-.."));
        assert!(!is_range("12-"));
    }
}
