//! Numbers and names as people read them.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use indicatif::{BinaryBytes, HumanCount};

use super::escape::harmless;
use crate::model::{
    AgeBucket, Choice as _, Context, Entry, Frame, GroupBy, GrownMapping, Host, Kind, Limitation,
    Process,
};

/// Bytes with a binary unit: `31.25 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// A change with its sign: `+1.00 MiB`.
pub(super) fn change(bytes: i64) -> String {
    let sign = if bytes > 0 { "+" } else { "" };
    format!("{sign}{}", signed_bytes(bytes))
}

/// The same with a sign, where it can be less than nothing: `-3.00 MiB`.
pub(super) fn signed_bytes(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", bytes(number.unsigned_abs()))
}

/// A share: `12.5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share as a bar of up to `width` columns, to an eighth of a column.
pub(super) fn bar(share: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

/// A machine: `Linux 6.1.0 x86_64, 2 CPUs, 23.54 GiB`.
pub(super) fn host(host: &Host) -> String {
    let (kernel, arch) = (harmless(&host.kernel), harmless(&host.arch));
    let cpus = counted(host.cpus as u64, "CPU");
    let memory = bytes(host.mem_total_bytes);
    format!("Linux {kernel} {arch}, {cpus}, {memory}")
}

/// What cannot be done, and why.
pub(super) fn limitation(limitation: &Limitation) -> String {
    let (feature, reason) = (limitation.feature.name(), harmless(&limitation.reason));
    format!("No {feature}: {reason}")
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

/// `1 process`, `8,000 processes`.
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", count(number))
}

/// What one entry of a ranking is, and what several are.
pub(super) const fn entry(by: GroupBy) -> (&'static str, &'static str) {
    match by {
        GroupBy::Function => ("function", "functions"),
        GroupBy::Stack => ("call site", "call sites"),
        GroupBy::Process => ("process", "processes"),
        GroupBy::Cgroup => ("cgroup", "cgroups"),
    }
}

/// `1st`, `12th`, `23rd`.
pub(super) fn ordinal(number: usize) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `667`, or `667 (-300)` with what its owner adds.
pub(super) fn oom_score(process: &Process) -> String {
    let score = process
        .oom_score
        .map_or_else(|| "-".to_owned(), |it| it.to_string());
    match process.oom_score_adj {
        Some(0) | None => score,
        Some(adjustment) => format!("{score} ({adjustment:+})"),
    }
}

/// `, all of it in [heap]`, where one mapping has most of the growth.
pub(super) fn place(grown: Option<&GrownMapping>) -> String {
    let Some(grown) = grown else {
        return String::new();
    };
    let name = harmless(&grown.name);
    match grown.share() {
        0.95.. => format!(", all of it in {name}"),
        0.5.. => format!(", most of it in {name}"),
        _ => String::new(),
    }
}

/// A command line, or the name of a process that has none.
pub(super) fn command(process: &Process) -> String {
    if process.command_line.is_empty() {
        return format!("[{}]", harmless(&process.name));
    }
    harmless(&process.command_line.join(" ")).into_owned()
}

/// The same without the folder of the program.
pub(super) fn short_command(process: &Process) -> String {
    let command = command(process);
    let program = command.split(' ').next().unwrap_or_default();
    let folder = program.rfind('/').map_or(0, |slash| slash + 1);
    command.get(folder..).unwrap_or_default().to_owned()
}

/// The beginning of a text, with `…` for what is left out.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let beginning = text.chars().take(width.saturating_sub(1));
    beginning.chain(['…']).collect()
}

/// `16.0 s`.
pub(super) fn seconds(time: Duration) -> String {
    const HOUR: f64 = 3600.0;
    match time.as_secs_f64() {
        seconds if seconds < 2.0 * HOUR => format!("{seconds:.1} s"),
        seconds if seconds < 48.0 * HOUR => format!("{:.1} h", seconds / HOUR),
        seconds => format!("{:.1} d", seconds / (24.0 * HOUR)),
    }
}

/// A function with its module, as the kernel writes it: `rx_fill [virtio_net]`.
pub(super) fn with_module(name: &str, module: Option<&str>) -> String {
    match module {
        Some(module) => format!("{} [{}]", harmless(name), harmless(module)),
        None => harmless(name).into_owned(),
    }
}

/// The owner of an entry with its module, and the interrupts it worked for.
pub(super) fn owner(entry: &Entry) -> String {
    let owner = with_module(&entry.owner, entry.module.as_deref());
    let contexts: Vec<_> = entry.contexts.iter().copied().collect();
    if contexts == [Context::Task] {
        return owner;
    }
    let contexts: Vec<_> = contexts.into_iter().map(context).collect();
    format!("{owner} ({})", contexts.join(", "))
}

pub(super) const fn context(context: Context) -> &'static str {
    match context {
        Context::Task => "task",
        Context::Softirq => "softirq",
        Context::Irq => "irq",
    }
}

/// Kinds, most pages first: `raw`, `slab,raw`.
pub(super) fn kinds(pages: &BTreeMap<Kind, u64>) -> String {
    let kinds: Vec<_> = most_first(pages).map(|(kind, _)| kind.name()).collect();
    kinds.join(",")
}

/// Pages by kind, most first.
pub(super) fn most_first(pages: &BTreeMap<Kind, u64>) -> impl Iterator<Item = (Kind, u64)> {
    let mut kinds: Vec<_> = pages.iter().map(|(&kind, &pages)| (kind, pages)).collect();
    kinds.sort_by_key(|&(_, pages)| Reverse(pages));
    kinds.into_iter()
}

/// A frame: `anon_pipe_write+0x10f  fs/pipe.c:512`.
pub(super) fn frame(frame: &Frame) -> String {
    let mut text = match frame.offset.filter(|_| frame.symbol.is_some()) {
        Some(offset) => format!("{}+{offset:#x}", function(frame)),
        None => function(frame),
    };
    text = with_module(&text, frame.module.as_deref());
    if let Some(file) = &frame.file {
        text += &format!("  {}", harmless(file));
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

/// The function of a frame, or its address if it has no name.
pub(super) fn function(frame: &Frame) -> String {
    match &frame.symbol {
        Some(symbol) => harmless(symbol).into_owned(),
        None => format!("{:#x}", frame.address),
    }
}

/// The orders of an entry: `0`, `0,3`.
pub(super) fn orders(entry: &Entry) -> String {
    let orders: Vec<_> = entry.orders.keys().map(u32::to_string).collect();
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
        pages => {
            let share = pages as f64 / highest as f64;
            BARS[((share * BARS.len() as f64).ceil() as usize).clamp(1, BARS.len()) - 1]
        }
    };
    histogram.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Seconds;

    fn histogram(pages: &[u64]) -> Vec<AgeBucket> {
        let bucket = |&pages| AgeBucket {
            from_seconds: Seconds::default(),
            to_seconds: Seconds::default(),
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
    fn a_share_is_a_bar() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.28, 4), "█▏");
        assert_eq!(bar(7.0, 4), "████");
        assert_eq!(bar(f64::NAN, 4), "");
    }

    #[test]
    fn numbers_in_a_row_have_endings() {
        let ordinals = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal);
        let expected = [
            "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
        ];
        assert_eq!(ordinals, expected);
    }

    #[test]
    fn a_long_command_is_cut() {
        let process = Process {
            command_line: vec!["/bin/жжж".to_owned(), "-x/y\n".to_owned()],
            ..Process::default()
        };
        assert_eq!(command(&process), r"/bin/жжж -x/y\n");
        assert_eq!(short_command(&process), r"жжж -x/y\n");
        assert_eq!(shortened(&command(&process), 7), "/bin/ж…");
        assert_eq!(command(&Process::default()), "[]");
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
