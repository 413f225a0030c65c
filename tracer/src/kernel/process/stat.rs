//! `/proc/PID/stat`: what a process is.

/// What it says, as far as it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The name, which may hold any byte but 0.
    pub name: String,
    /// A letter, as in proc(5).
    pub state: char,
    /// The process that started it, or took it over.
    pub parent_pid: u32,
    /// Its threads.
    pub threads: u64,
    /// When it started, in clock ticks since boot.
    pub start_time_ticks: u64,
    /// Whether it is a thread of the kernel, which has no memory of its own.
    pub is_kernel_thread: bool,
}

/// Reads the line; none if it is not whole. The name is in parentheses and may have some in it
/// (fs/proc/array.c, `do_task_stat`).
pub fn stat(line: &[u8]) -> Option<Stat> {
    /// `PF_KTHREAD` of include/linux/sched.h.
    const KERNEL_THREAD: u64 = 0x0020_0000;
    let opening = line.iter().position(|&byte| byte == b'(')?;
    let closing = line.iter().rposition(|&byte| byte == b')')?;
    let name = line.get(opening + 1..closing)?;
    let rest = str::from_utf8(line.get(closing + 1..)?).ok()?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        name: String::from_utf8_lossy(name).into_owned(),
        state: fields.first()?.chars().next()?,
        parent_pid: fields.get(1)?.parse().ok()?,
        is_kernel_thread: number(6)? & KERNEL_THREAD != 0,
        threads: number(17)?,
        start_time_ticks: number(19)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 3133440 400 1844";

    #[test]
    fn a_name_may_hold_anything() {
        for (name, shown) in [
            (&b"cat"[..], "cat"),
            (b"a) S 9 (b", "a) S 9 (b"),
            (b"x\xff\ny", "x\u{fffd}\ny"),
            (b"", ""),
        ] {
            let line = [b"12 (", name, b") ", REST.as_bytes(), b"\n"].concat();
            let stat = stat(&line).expect("a whole line");
            assert_eq!(stat.name, shown);
            assert_eq!((stat.state, stat.parent_pid), ('S', 1));
            assert_eq!((stat.threads, stat.start_time_ticks), (9, 4711));
            assert!(!stat.is_kernel_thread);
        }
    }

    #[test]
    fn threads_of_the_kernel_are_told() {
        let line = format!("2 (kthreadd) {}", REST.replace("4194560", "2129984"));
        assert!(
            stat(line.as_bytes())
                .expect("a whole line")
                .is_kernel_thread
        );
    }

    #[test]
    fn half_a_line_is_none() {
        for line in [
            "",
            "12",
            "12 (cat",
            "12 (cat)",
            ")(",
            "12 (cat) S 1 2 3",
            "1 (a) S x",
        ] {
            assert_eq!(stat(line.as_bytes()), None, "{line}");
        }
    }
}
