//! ELF notes: the build id, which says exactly which build a kernel is.

use object::{Endianness, elf, read::elf::NoteIterator};

/// A GNU build id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildId(pub Vec<u8>);

impl std::fmt::Display for BuildId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The build id in the bytes of a note section, such as `/sys/kernel/notes`.
pub fn build_id(notes: &[u8]) -> Option<BuildId> {
    let mut notes =
        NoteIterator::<elf::FileHeader64<Endianness>>::new(Endianness::Little, 4, notes).ok()?;
    while let Ok(Some(note)) = notes.next() {
        if note.name() == elf::ELF_NOTE_GNU
            && note.n_type(Endianness::Little) == elf::NT_GNU_BUILD_ID
        {
            return Some(BuildId(note.desc().to_vec()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &[u8] =
        b"\x06\0\0\0\x04\0\0\0\x01\x01\0\0Linux\0\0\0\0\0\0\0\x04\0\0\0\x03\0\0\0\x03\0\0\0GNU\0\xde\xad\x01\0";

    #[test]
    fn the_gnu_note_is_the_build_id() {
        assert_eq!(build_id(NOTES).expect("it is there").to_string(), "dead01");
    }

    #[test]
    fn no_cut_panics() {
        for len in 0..NOTES.len() - 4 {
            assert_eq!(build_id(&NOTES[..len]), None);
        }
    }
}
