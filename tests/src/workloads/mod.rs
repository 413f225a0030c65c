//! Workloads that take and give back many kernel pages, for the bench: each does a
//! known number of like operations, and says how long one takes.

mod fork_exec;
mod page_faults;
mod pipes;
mod tar;
mod tcp;
mod unix_dgrams;

use std::{
    io,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// What is done over and over.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Name {
    /// An anonymous page is touched for the first time
    PageFaults,
    /// A datagram of 32 KiB goes from one UNIX socket to another
    UnixDgrams,
    /// A pipe is opened, filled with 16 pages and closed
    Pipes,
    /// 256 KiB go through a TCP connection on the loopback of a network namespace
    Tcp,
    /// A process is started that runs true(1) and waited for
    ForkExec,
    /// A tree of 8 MiB is packed by tar(1) and read by cat(1)
    Tar,
}

/// Something of which one operation can be done after the other.
trait Workload {
    /// Does one operation.
    fn operate(&mut self) -> io::Result<()>;

    /// Does several.
    fn repeat(&mut self, operations: u64) -> io::Result<()> {
        (0..operations).try_for_each(|_| self.operate())
    }
}

impl Name {
    /// Sets up what the calling thread works on.
    fn prepare(self) -> io::Result<Box<dyn Workload>> {
        Ok(match self {
            Self::PageFaults => Box::new(page_faults::PageFaults::new()?),
            Self::UnixDgrams => Box::new(unix_dgrams::UnixDgrams::new()?),
            Self::Pipes => Box::new(pipes::Pipes::new()),
            Self::Tcp => Box::new(tcp::Tcp::new()?),
            Self::ForkExec => Box::new(fork_exec::ForkExec::new()),
            Self::Tar => Box::new(tar::Tar::new()?),
        })
    }

    /// Has each of `threads` do that many operations, and a tenth of it before to warm up.
    ///
    /// Gives the seconds of one operation as a thread sees it: those of the slowest thread,
    /// divided by the operations of one thread.
    pub fn measure(self, operations: u64, threads: usize) -> io::Result<f64> {
        let start = &Barrier::new(threads);
        let times = thread::scope(|scope| {
            let work = || scope.spawn(move || self.time(operations, start));
            let workers: Vec<_> = (0..threads).map(|_| work()).collect();
            let times = workers.into_iter().map(|it| it.join().expect("no panic"));
            times.collect::<io::Result<Vec<_>>>()
        })?;
        let slowest = times.into_iter().max().unwrap_or_default();
        Ok(slowest.as_secs_f64() / operations as f64)
    }

    fn time(self, operations: u64, start: &Barrier) -> io::Result<Duration> {
        let prepared = self.prepare().and_then(|mut workload| {
            workload.repeat(operations.div_ceil(10))?;
            Ok(workload)
        });
        // Also after a failure: the others wait here.
        start.wait();
        let mut workload = prepared?;
        let begin = Instant::now();
        workload.repeat(operations)?;
        Ok(begin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::harness::root_or_skip;

    fn works(name: Name) {
        for threads in [1, 2] {
            let time = name.measure(2, threads);
            assert!(time.expect("it works") > 0.0, "{name:?}");
        }
    }

    #[test]
    fn each_workload_works_with_and_without_company() {
        let all = Name::value_variants().iter();
        let without_rights = all.filter(|name| !matches!(name, Name::Tcp));
        without_rights.for_each(|&name| works(name));
    }

    #[test]
    fn so_does_the_one_with_a_network_of_its_own() {
        let Some(_machine) = root_or_skip("so_does_the_one_with_a_network_of_its_own") else {
            return;
        };
        works(Name::Tcp);
    }
}
