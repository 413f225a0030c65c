//! Where the array of page structs begins: the same whatever the machine does.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
};

use pagetrace::bpf::{Features, locate_page_array};
use pagetrace_tests::harness::{eventually, root_or_skip, skip};

const WORKLOAD: &str = env!("CARGO_BIN_EXE_workload");

/// Pipes that are filled and closed on every CPU until this is dropped.
struct BusyPipes(Child);

impl BusyPipes {
    fn start() -> Self {
        let cpus = thread::available_parallelism().expect("the kernel tells");
        let threads = cpus.to_string();
        // More operations than any test waits for.
        let args = ["pipes", "--operations", "1000000000", "--threads", &threads];
        let mut command = Command::new(WORKLOAD);
        let command = command.args(args).stdin(Stdio::null());
        let busy = Self(command.stdout(Stdio::null()).spawn().expect("it runs"));
        eventually("the pipes", || (busy.threads() > cpus.get()).then_some(()));
        busy
    }

    fn threads(&self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.0.id())).map_or(0, Iterator::count)
    }
}

impl Drop for BusyPipes {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_hundred_calibrations_on_a_busy_machine_agree() {
    let test = "a_hundred_calibrations_on_a_busy_machine_agree";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let features = Features::probe().expect("root may load programs");
    let array = match features.page_array {
        Ok(array) => array,
        Err(limitation) => return skip(test, &limitation.reason),
    };
    let _busy = BusyPipes::start();
    for attempt in 1..=100 {
        let found = locate_page_array(array.layout, features.own_process);
        assert_eq!(found.expect("BPF works"), Ok(array), "attempt {attempt}");
    }
}
