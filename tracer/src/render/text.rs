//! Numbers and names as people read them.

use std::cmp::Reverse;

use indicatif::{BinaryBytes, HumanCount};

use crate::model::{AgeBucket, Choice as _, Context, Frame, Site};

/// Bytes with a binary unit: `31.25 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// A count with separators: `8,000`.
pub(super) fn count(count: u64) -> String {
    HumanCount(count).to_string()
}

/// `1 page`, `8,000 pages`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A function with its module, as the kernel writes it: `rx_fill [virtio_net]`.
pub(super) fn with_module(name: &str, module: Option<&str>) -> String {
    match module {
        Some(module) => format!("{name} [{module}]"),
        None => name.to_owned(),
    }
}

/// The owner of a site with its module, and the interrupt it worked for.
pub(super) fn owner(site: &Site) -> String {
    let owner = with_module(&site.owner, site.module.as_deref());
    match context(site.context) {
        Some(context) => format!("{owner} ({context})"),
        None => owner,
    }
}

/// The kind of interrupt; none for a task.
pub(super) const fn context(context: Context) -> Option<&'static str> {
    match context {
        Context::Task => None,
        Context::Softirq => Some("softirq"),
        Context::Irq => Some("irq"),
    }
}

/// The kinds of a site's pages, most pages first: `raw`, `slab,raw`.
pub(super) fn kinds(site: &Site) -> String {
    let mut kinds: Vec<_> = site.kinds.iter().collect();
    kinds.sort_by_key(|&(_, &pages)| Reverse(pages));
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, _)| kind.name()).collect();
    kinds.join(",")
}

/// A frame: `anon_pipe_write+0x10f  fs/pipe.c:512`.
pub(super) fn frame(frame: &Frame) -> String {
    let mut text = match (&frame.symbol, frame.offset) {
        (Some(symbol), Some(offset)) => format!("{symbol}+{offset:#x}"),
        (Some(symbol), None) => symbol.clone(),
        (None, _) => format!("{:#x}", frame.address),
    };
    text = with_module(&text, frame.module.as_deref());
    if let Some(file) = &frame.file {
        text += &format!("  {file}");
        text += &frame
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
    }
    if frame.inlined {
        text += "  (inlined)";
    }
    text
}

/// The orders of a site: `0`, `0,3`.
pub(super) fn orders(site: &Site) -> String {
    let orders: Vec<_> = site.orders.keys().map(u32::to_string).collect();
    orders.join(",")
}

/// A histogram in one word, oldest first: `▇▂··`.
pub(super) fn bars(histogram: &[AgeBucket]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = histogram
        .iter()
        .map(|bucket| bucket.pages)
        .max()
        .unwrap_or(0);
    let bar = |bucket: &AgeBucket| match bucket.pages {
        0 => '·',
        pages => BARS[((pages * BARS.len() as u64).div_ceil(highest) as usize).clamp(1, 8) - 1],
    };
    histogram.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(pages: &[u64]) -> Vec<AgeBucket> {
        let bucket = |&pages| AgeBucket {
            from_seconds: 0.0,
            to_seconds: 0.0,
            pages,
        };
        pages.iter().map(bucket).collect()
    }

    #[test]
    fn the_highest_bar_is_full_and_one_page_is_seen() {
        assert_eq!(bars(&histogram(&[0, 1, 4000, 8000])), "·▁▄█");
        assert_eq!(bars(&histogram(&[0, 0])), "··");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1, "page"), "1 page");
        assert_eq!(counted(8000, "page"), "8,000 pages");
    }

    #[test]
    fn a_frame_says_all_it_knows() {
        let known = Frame {
            symbol: Some("rx_fill".to_owned()),
            offset: Some(0x1f),
            module: Some("virtio_net".to_owned()),
            file: Some("drivers/net/virtio_net.c".to_owned()),
            line: Some(7),
            ..Frame::default()
        };
        assert_eq!(
            frame(&known),
            "rx_fill+0x1f [virtio_net]  drivers/net/virtio_net.c:7"
        );
        assert_eq!(frame(&Frame::unnamed(0xffff_0000)), "0xffff0000");
    }
}
