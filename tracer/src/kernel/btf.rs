//! BTF, the kernel's own description of its types: sizes and enum values.
//!
//! Only what pagetrace asks for is read: sizes and members of structs, values of
//! enumerators, parameters of functions. Format: Documentation/bpf/btf.rst.
//!
//! Not by a library: this takes 2 ms for the 5.5 MB of Linux 6.18, `btf-rs` (LGPL) 280 ms and
//! `btf` (files only) 900 ms, each more than all the rest of a start.

use anyhow::{Context as _, Result, bail, ensure};

const MAGIC: u16 = 0xeb9f;
const HEADER_LEN: usize = 24;
const TYPE_LEN: usize = 12;
const ENUMERATOR_LEN: usize = 8;
const MEMBER_LEN: usize = 12;
const PARAMETER_LEN: usize = 8;
const VARIABLE_LEN: usize = 12;

const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_ENUM64: u32 = 19;

/// A parsed BTF blob, such as `/sys/kernel/btf/vmlinux`.
#[derive(Debug)]
pub struct Btf<'a> {
    /// What a module's types are numbered on from: the kernel's own.
    base: Option<&'a Self>,
    /// Type 1 comes first; 0 stands for `void`.
    types: Vec<Type<'a>>,
    strings: &'a [u8],
}

#[derive(Debug)]
struct Type<'a> {
    name: u32,
    kind: u32,
    /// Whether a member's offset shares its word with the size of a bit field.
    has_bit_fields: bool,
    /// Bytes for a struct, an enum or an int; a type id for others.
    size: u32,
    extra: &'a [u8],
}

impl<'a> Btf<'a> {
    /// Reads a little-endian BTF blob.
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
        let types = section(header(8)?, header(12)?).context("the BTF types are cut short")?;
        Ok(Self {
            base: None,
            types: read_types(types)?,
            strings: section(header(16)?, header(20)?).context("the BTF strings are cut short")?,
        })
    }

    /// Reads the blob of a module, whose types and strings are numbered on from the kernel's
    /// ("split BTF", since Linux 5.11). What it has not is looked for in the kernel's.
    pub fn parse_module(base: &'a Self, blob: &'a [u8]) -> Result<Self> {
        Ok(Self {
            base: Some(base),
            ..Self::parse(blob)?
        })
    }

    /// Size of `struct name` in bytes.
    pub fn struct_size(&self, name: &str) -> Result<u32> {
        Ok(self.find(KIND_STRUCT, name)?.size)
    }

    /// Whether there is a `struct name` that is more than declared.
    pub fn has_struct(&self, name: &str) -> bool {
        self.find(KIND_STRUCT, name).is_ok()
    }

    /// How far a per-CPU variable lies behind the beginning of all of a CPU.
    pub fn per_cpu_offset(&self, name: &str) -> Result<u32> {
        let is_it = |ty: &Type<'_>| ty.kind == KIND_VAR && self.string(ty.name) == Some(name);
        let at = self.types.iter().position(is_it);
        let at = at.with_context(|| format!("BTF has no variable {name}"))?;
        let id = u32::try_from(at)? + 1;
        let sections = self.types.iter().filter(|ty| ty.kind == KIND_DATASEC);
        let sections = sections.filter(|ty| self.string(ty.name) == Some(".data..percpu"));
        for variable in sections.flat_map(|ty| ty.extra.chunks_exact(VARIABLE_LEN)) {
            if word(variable, 0)? == id {
                return word(variable, 4);
            }
        }
        bail!("{name} is not a per-CPU variable")
    }

    /// Offset of a member of `struct name`, in bytes; members of unnamed structs
    /// and unions inside are its own, as in C.
    pub fn member_offset(&self, name: &str, member: &str) -> Result<u32> {
        // Far more than any struct of the kernel has inside.
        const MOST: usize = 256;
        let mut pending = vec![(self.find(KIND_STRUCT, name)?, 0_u32)];
        for _ in 0..MOST {
            let Some((ty, base)) = pending.pop() else {
                break;
            };
            for (name, inner, bits) in ty.members() {
                let bits = base.saturating_add(bits);
                match self.string(name) {
                    Some("") => pending.extend(self.compound(inner).map(|it| (it, bits))),
                    Some(found) if found == member => return Ok(bits / 8),
                    _ => {}
                }
            }
        }
        bail!("BTF has no {member} in struct {name}")
    }

    /// Names of a function's parameters, in order.
    pub fn parameters(&self, function: &str) -> Result<Vec<&'a str>> {
        let prototype = self.find(KIND_FUNC, function)?.size;
        let prototype = self.by_id(prototype).context("BTF misses a type")?;
        let parameters = prototype.extra.chunks_exact(PARAMETER_LEN);
        let name = |it| self.string(word(it, 0)?).context("BTF misses a name");
        parameters.map(name).collect()
    }

    /// The id of a function.
    pub fn function_id(&self, name: &str) -> Result<u32> {
        let is_it = |ty: &Type<'_>| ty.kind == KIND_FUNC && self.string(ty.name) == Some(name);
        let at = self.types.iter().position(is_it);
        let at = at.with_context(|| format!("BTF has no function {name}"))?;
        Ok(u32::try_from(at)? + 1)
    }

    /// Value of the enumerator `name`, in whichever 32-bit enum it is.
    pub fn enumerator(&self, name: &str) -> Result<u32> {
        let enums = self.types.iter().filter(|ty| ty.kind == KIND_ENUM);
        for entry in enums.flat_map(|ty| ty.extra.chunks_exact(ENUMERATOR_LEN)) {
            if self.string(word(entry, 0)?) == Some(name) {
                return word(entry, 4);
            }
        }
        bail!("BTF has no enumerator {name}")
    }

    fn compound(&self, id: u32) -> Option<&Type<'a>> {
        self.by_id(id)
            .filter(|ty| matches!(ty.kind, KIND_STRUCT | KIND_UNION))
    }

    fn by_id(&self, id: u32) -> Option<&Type<'a>> {
        let at = (id as usize).checked_sub(1)?;
        match self.base {
            Some(base) if at < base.types.len() => base.types.get(at),
            Some(base) => self.types.get(at - base.types.len()),
            None => self.types.get(at),
        }
    }

    fn find(&self, kind: u32, name: &str) -> Result<&Type<'a>> {
        let is_it = |ty: &&Type<'_>| ty.kind == kind && self.string(ty.name) == Some(name);
        match (self.types.iter().find(is_it), self.base) {
            (Some(found), _) => Ok(found),
            (None, Some(base)) => base.find(kind, name),
            (None, None) => bail!("BTF has no {name}"),
        }
    }

    /// The zero-terminated string at an offset.
    fn string(&self, offset: u32) -> Option<&'a str> {
        let own = match self.base {
            Some(base) if (offset as usize) < base.strings.len() => return base.string(offset),
            Some(base) => offset as usize - base.strings.len(),
            None => offset as usize,
        };
        let rest = self.strings.get(own..)?;
        let len = rest.iter().position(|&byte| byte == 0)?;
        str::from_utf8(&rest[..len]).ok()
    }
}

impl Type<'_> {
    /// Name, type and offset in bits of each member of a struct or union.
    fn members(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let members = self.extra.chunks_exact(MEMBER_LEN);
        members.map(|member| {
            let [name, ty, offset] = [0, 4, 8].map(|at| word(member, at).unwrap_or(0));
            let bits = if self.has_bit_fields {
                offset & 0xff_ffff
            } else {
                offset
            };
            (name, ty, bits)
        })
    }
}

fn read_types(mut section: &[u8]) -> Result<Vec<Type<'_>>> {
    let mut types = Vec::new();
    while !section.is_empty() {
        types.push(take_type(&mut section)?);
    }
    Ok(types)
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
        has_bit_fields: info >> 31 == 1,
        size,
        extra,
    })
}

/// Bytes that follow the fixed part of a type with `members` members.
const fn extra_len(kind: u32, members: usize) -> usize {
    match kind {
        KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
        KIND_ARRAY => 12,
        KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => MEMBER_LEN * members,
        KIND_ENUM => ENUMERATOR_LEN * members,
        KIND_FUNC_PROTO => PARAMETER_LEN * members,
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
        let (int, structure, enumeration) = (1 << 24, 4 << 24 | 2, 6 << 24 | 2);
        let (union, function, prototype) = (5 << 24 | 2, 12 << 24, 13 << 24 | 2);
        let types: [&[u32]; 6] = [
            &[1, int, 4, 0x20],
            // struct page { int int; union { int OFF; int lru; }; }
            &[5, structure, 56, 1, 1, 0, 0, 4, 64],
            &[0, enumeration, 4, 10, 0, 14, 7],
            &[0, union, 8, 10, 1, 0, 22, 1, 32],
            &[26, function, 6],
            &[0, prototype, 1, 10, 1, 22, 1],
        ];
        blob(&types.concat(), b"\0int\0page\0OFF\0MOVABLE\0lru\0fill\0")
    }

    #[test]
    fn sizes_and_enumerators_are_found() {
        let blob = sample();
        let btf = Btf::parse(&blob).expect("a valid blob");
        assert_eq!(btf.struct_size("page").expect("it is there"), 56);
        assert_eq!(btf.enumerator("MOVABLE").expect("it is there"), 7);
    }

    #[test]
    fn members_of_unnamed_unions_are_found() {
        let blob = sample();
        let btf = Btf::parse(&blob).expect("a valid blob");
        assert_eq!(btf.member_offset("page", "lru").expect("it is there"), 12);
        assert!(btf.member_offset("page", "MOVABLE").is_err());
    }

    #[test]
    fn parameters_are_found() {
        let blob = sample();
        let btf = Btf::parse(&blob).expect("a valid blob");
        assert_eq!(btf.parameters("fill").expect("a function"), ["OFF", "lru"]);
        assert!(btf.parameters("page").is_err());
    }

    #[test]
    fn a_module_goes_on_from_the_kernels_types_and_strings() {
        const STRINGS: u32 = 31;
        let kernel = sample();
        let base = Btf::parse(&kernel).expect("a valid blob");
        assert_eq!(base.strings.len(), STRINGS as usize);
        let (structure, union) = (4 << 24 | 2, 5 << 24 | 1);
        // struct file { struct page page; union { int own; }; }
        let types: [&[u32]; 2] = [
            &[STRINGS + 1, structure, 60, 5, 2, 0, 0, 8, 448],
            &[0, union, 4, STRINGS + 6, 1, 0],
        ];
        let module = blob(&types.concat(), b"\0file\0own\0");
        let btf = Btf::parse_module(&base, &module).expect("a valid blob");
        assert_eq!(btf.member_offset("file", "own").expect("its own"), 56);
        assert_eq!(btf.member_offset("page", "lru").expect("the kernel's"), 12);
        assert!(btf.has_struct("file") && !base.has_struct("file"));
        assert!(btf.member_offset("file", "lru").is_err());
        for len in 0..module.len() {
            if let Ok(btf) = Btf::parse_module(&base, &module[..len]) {
                let _ = btf.member_offset("file", "own");
            }
        }
    }

    #[test]
    fn a_per_cpu_variable_lies_where_its_section_says() {
        let (int, variable, section) = (1 << 24, 14 << 24, 15 << 24 | 1);
        let types: [&[u32]; 4] = [
            &[1, int, 4, 0x20],
            &[5, variable, 1, 0],
            &[12, variable, 1, 0],
            &[18, section, 0, 3, 4096, 4],
        ];
        let blob = blob(&types.concat(), b"\0int\0queues\0other\0.data..percpu\0");
        let btf = Btf::parse(&blob).expect("a valid blob");
        assert_eq!(btf.per_cpu_offset("other").expect("it is there"), 4096);
        assert!(btf.per_cpu_offset("queues").is_err(), "in no section");
        assert!(btf.per_cpu_offset("int").is_err());
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
        for member in ["_refcount", "lru"] {
            let offset = btf.member_offset("page", member).expect("it has both");
            assert!(offset < size, "{member}: {offset}");
        }
        assert!(
            btf.enumerator("MIGRATE_MOVABLE")
                .expect("every kernel has it")
                < 16
        );
    }
}
