//! `/proc/PID/fdinfo/N` of an io_uring: buffers that were registered (io_uring/fdinfo.c).

/// Bytes of the buffers. The lines are `UserBufs:\t1`, and for each of them
/// `    0: 0x7f5be7600000/4096`.
pub fn registered_bytes(fdinfo: &str) -> u64 {
    let lines = fdinfo
        .lines()
        .skip_while(|line| !line.starts_with("UserBufs:"));
    let buffers = lines.skip(1).take_while(|line| line.starts_with(' '));
    let bytes = buffers.filter_map(|line| line.rsplit_once('/')?.1.parse::<u64>().ok());
    bytes.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FDINFO: &str = "\
SqMask:\t0x7
UserFiles:\t1
    0: /a/5000
UserBufs:\t3
    0: 0x7f5be7600000/4096
    1: <none>
    2: 0x7f5be7700000/1048576
PollList:
  op=6/77, task_works=0
";

    #[test]
    fn buffers_are_added_up() {
        assert_eq!(registered_bytes(FDINFO), 4096 + (1 << 20));
        assert_eq!(registered_bytes("UserBufs:\t0\nPollList:\n"), 0);
        assert_eq!(registered_bytes(""), 0);
    }
}
