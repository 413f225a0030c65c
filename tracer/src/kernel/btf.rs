//! BTF, the kernel's own description of its types: sizes and enum values.
//!
//! Only what pagetrace asks for is read: the size of a struct, the value of an
//! enumerator. Format: Documentation/bpf/btf.rst.

use anyhow::{Context as _, Result, bail, ensure};

const MAGIC: u16 = 0xeb9f;
const HEADER_LEN: usize = 24;
const TYPE_LEN: usize = 12;
const ENUMERATOR_LEN: usize = 8;

const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_ENUM64: u32 = 19;

/// A parsed BTF blob, such as `/sys/kernel/btf/vmlinux`.
#[derive(Debug)]
pub struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
}

struct Type<'a> {
    name: u32,
    kind: u32,
    /// Bytes for a struct, an enum or an int; a type id for others.
    size: u32,
    extra: &'a [u8],
}

impl<'a> Btf<'a> {
    /// Finds the sections of a little-endian BTF blob.
    pub fn parse(blob: &'a [u8]) -> Result<Self> {
        let magic = blob.get(..2).and_then(|bytes| bytes.try_into().ok());
        ensure!(
            magic.map(u16::from_le_bytes) == Some(MAGIC),
            "this is not BTF"
        );
        let header = |at| word(blob, at).map(|word| word as usize);
        let header_len = header(4)?;
        ensure!(header_len >= HEADER_LEN, "the BTF header is too short");
        let section = |offset: usize, len: usize| {
            let start = header_len.checked_add(offset)?;
            blob.get(start..start.checked_add(len)?)
        };
        Ok(Self {
            types: section(header(8)?, header(12)?).context("the BTF types are cut short")?,
            strings: section(header(16)?, header(20)?).context("the BTF strings are cut short")?,
        })
    }

    /// Size of `struct name` in bytes.
    pub fn struct_size(&self, name: &str) -> Result<u32> {
        for ty in self.types() {
            let ty = ty?;
            if ty.kind == KIND_STRUCT && self.is_named(ty.name, name) {
                return Ok(ty.size);
            }
        }
        bail!("BTF has no struct {name}")
    }

    /// Value of the enumerator `name`, in whichever 32-bit enum it is.
    pub fn enumerator(&self, name: &str) -> Result<u32> {
        for ty in self.types() {
            let ty = ty?;
            if ty.kind != KIND_ENUM {
                continue;
            }
            for entry in ty.extra.chunks_exact(ENUMERATOR_LEN) {
                if self.is_named(word(entry, 0)?, name) {
                    return word(entry, 4);
                }
            }
        }
        bail!("BTF has no enumerator {name}")
    }

    fn types(&self) -> impl Iterator<Item = Result<Type<'a>>> {
        let mut rest = self.types;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let ty = take_type(&mut rest);
            if ty.is_err() {
                rest = &[];
            }
            Some(ty)
        })
    }

    fn is_named(&self, offset: u32, name: &str) -> bool {
        let rest = self.strings.get(offset as usize..).unwrap_or_default();
        rest.strip_prefix(name.as_bytes())
            .is_some_and(|tail| tail.first() == Some(&0))
    }
}

fn take_type<'a>(rest: &mut &'a [u8]) -> Result<Type<'a>> {
    let (name, info, size) = (word(rest, 0)?, word(rest, 4)?, word(rest, 8)?);
    let kind = (info >> 24) & 0x1f;
    let end = TYPE_LEN + extra_len(kind, (info & 0xffff) as usize);
    let extra = rest.get(TYPE_LEN..end).context("a BTF type is cut short")?;
    *rest = &rest[end..];
    Ok(Type {
        name,
        kind,
        size,
        extra,
    })
}

/// Bytes that follow the fixed part of a type with `members` members.
const fn extra_len(kind: u32, members: usize) -> usize {
    match kind {
        KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
        KIND_ARRAY => 12,
        KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => 12 * members,
        KIND_ENUM => ENUMERATOR_LEN * members,
        KIND_FUNC_PROTO => 8 * members,
        _ => 0,
    }
}

fn word(bytes: &[u8], at: usize) -> Result<u32> {
    let word = bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok());
    word.map(u32::from_le_bytes).context("the BTF is cut short")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn blob(types: &[u32], strings: &[u8]) -> Vec<u8> {
        let types: Vec<u8> = types.iter().flat_map(|word| word.to_le_bytes()).collect();
        let header = [
            24,
            0,
            types.len() as u32,
            types.len() as u32,
            strings.len() as u32,
        ]
        .map(u32::to_le_bytes);
        [
            &[0x9f, 0xeb, 1, 0][..],
            header.as_flattened(),
            &types,
            strings,
        ]
        .concat()
    }

    fn sample() -> Vec<u8> {
        let (int, structure, enumeration) = (1 << 24, 4 << 24 | 1, 6 << 24 | 2);
        let types: [&[u32]; 3] = [
            &[1, int, 4, 0x20],
            &[5, structure, 56, 1, 1, 0],
            &[0, enumeration, 4, 10, 0, 14, 7],
        ];
        blob(&types.concat(), b"\0int\0page\0OFF\0MOVABLE\0")
    }

    #[test]
    fn sizes_and_enumerators_are_found() {
        let blob = sample();
        let btf = Btf::parse(&blob).expect("a valid blob");
        assert_eq!(btf.struct_size("page").expect("it is there"), 56);
        assert_eq!(btf.enumerator("MOVABLE").expect("it is there"), 7);
    }

    #[test]
    fn a_prefix_is_not_the_name() {
        let blob = sample();
        let btf = Btf::parse(&blob).expect("a valid blob");
        assert!(btf.struct_size("pag").is_err());
        assert!(btf.enumerator("MOVABLE_").is_err());
    }

    #[test]
    fn no_cut_panics() {
        let blob = sample();
        for len in 0..blob.len() {
            if let Ok(btf) = Btf::parse(&blob[..len]) {
                let _ = btf.enumerator("MOVABLE");
            }
        }
    }

    #[test]
    fn the_running_kernel_describes_its_page() {
        let Ok(blob) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            // Written directly: the print macros are captured.
            let skipped = "SKIPPED the_running_kernel_describes_its_page: no BTF";
            writeln!(std::io::stderr(), "{skipped}").expect("stderr is open");
            return;
        };
        let btf = Btf::parse(&blob).expect("the kernel's own BTF");
        let size = btf
            .struct_size("page")
            .expect("every kernel has struct page");
        assert!((40..=256).contains(&size), "{size}");
        assert!(
            btf.enumerator("MIGRATE_MOVABLE")
                .expect("every kernel has it")
                < 16
        );
    }
}
