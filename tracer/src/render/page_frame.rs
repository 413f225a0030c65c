//! One page frame, for people.

use std::io::{self, Write};

use super::{
    styles::{FAINT, HEADING},
    text,
};
use crate::model::{ContentClass, PageBlock};

/// Bytes in a line of data.
const LINE: usize = 16;

/// Writes what a page frame is, and these data of it, if any are to be shown.
pub fn page_frame(
    frame: u64,
    block: &PageBlock,
    content: ContentClass,
    data: Option<&[u8]>,
    out: &mut impl Write,
) -> io::Result<()> {
    let (what, content) = (block.page_use.title(), content.name());
    writeln!(
        out,
        "{HEADING}Page frame {frame:#x}: {what}; content: {content}{HEADING:#}"
    )?;
    let pages = text::counted(block.pages, "page");
    let references = text::counted(block.references.into(), "reference");
    let mappings = text::counted(block.mappings, "mapping");
    let first = block.first;
    writeln!(
        out,
        "In a block of {pages} from {first:#x} on, with {references} and {mappings}"
    )?;
    let lines = data.unwrap_or_default().chunks(LINE);
    for (at, line) in (0..).step_by(LINE).zip(lines) {
        writeln!(
            out,
            "{FAINT}{at:03x}{FAINT:#}  {}  {}",
            hexadecimal(line),
            readable(line)
        )?;
    }
    Ok(())
}

fn hexadecimal(line: &[u8]) -> String {
    let bytes: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

/// What can be read of it; a dot stands for the rest.
fn readable(line: &[u8]) -> String {
    let readable = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    line.iter().map(readable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PageUse;

    fn shown(data: Option<&[u8]>) -> String {
        let block = PageBlock {
            first: 0x1000,
            pages: 8,
            page_use: PageUse::Plain,
            owner: 0,
            references: 3,
            mappings: 1,
        };
        let mut text = Vec::new();
        let written = page_frame(0x1002, &block, ContentClass::Text, data, &mut text);
        written.expect("memory takes everything");
        anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
    }

    #[test]
    fn a_page_frame_is_shown_without_its_data() {
        let expected = "\
Page frame 0x1002: kernel, without a mark; content: text
In a block of 8 pages from 0x1000 on, with 3 references and 1 mapping
";
        assert_eq!(shown(None), expected);
    }

    #[test]
    fn data_cannot_harm_a_terminal() {
        let text = shown(Some(b"\x1b[31mGET / HTTP/1.1\r\n"));
        let line = "000  1b 5b 33 31 6d 47 45 54 20 2f 20 48 54 54 50 2f  .[31mGET / HTTP/";
        assert_eq!(text.lines().nth(2), Some(line));
        assert_eq!(text.lines().last(), Some("010  31 2e 31 0d 0a  1.1.."));
    }
}
