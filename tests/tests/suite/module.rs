//! Pages taken by a kernel module: exact when they are freed in pieces, too.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    ops::Range,
    path::PathBuf,
};

use pagetrace_tests::harness::{Machine, Report, Site, Tracing, root_or_skip, skip};
use rustix::system::{delete_module, finit_module};

const NAME: &str = "pagetrace_leak";
/// The variable that holds the path of the module, built for the running kernel.
const FILE: &str = "PAGETRACE_TEST_MODULE";

/// Pages by the function that took them and the order of the allocation.
type Pages = BTreeMap<(String, u32), u64>;

/// The module, loaded. Dropping it unloads it.
struct Module;

impl Module {
    fn load(file: &PathBuf) -> Self {
        let file = File::open(file).expect("the module that the environment names");
        finit_module(file, c"", 0).expect("a module for the running kernel");
        Self
    }

    /// What it says it holds: `take_blocks/0=100,take_blocks/1=114`.
    fn outstanding() -> Pages {
        let said = fs::read_to_string(format!("/sys/module/{NAME}/parameters/outstanding"));
        let said = said.expect("a parameter of a loaded module");
        let pages = said.trim().split(',').map(|item| {
            let (site, pages) = item.split_once('=')?;
            let (function, order) = site.split_once('/')?;
            Some((
                (function.to_owned(), order.parse().ok()?),
                pages.parse().ok()?,
            ))
        });
        pages.collect::<Option<_>>().expect("its own syntax")
    }

    /// Has it fill an array of 64 entries, of which every other one is full.
    fn fill_array() {
        let parameter = format!("/sys/module/{NAME}/parameters/fill");
        fs::write(parameter, "1").expect("there are 32 pages");
    }

    /// Where its code and data lie.
    fn addresses() -> Range<u64> {
        let modules = fs::read_to_string("/proc/modules").expect("a kernel with modules");
        let mut lines = modules
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let words = lines.find(|words| words[0] == NAME).expect("it is loaded");
        let size: u64 = words[1].parse().expect("a size");
        let begin = address(words[5]);
        begin..begin + size
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let unloaded = delete_module(c"pagetrace_leak", 0);
        unloaded.expect("nobody else uses it");
    }
}

fn address(text: &str) -> u64 {
    let digits = text.trim_start_matches("0x");
    u64::from_str_radix(digits, 16).expect("an address is hexadecimal")
}

/// The machine and the module's file, or a line on stderr.
fn module_or_skip(test: &str) -> Option<(Machine, PathBuf)> {
    let machine = root_or_skip(test)?;
    match env::var_os(FILE) {
        Some(file) => Some((machine, file.into())),
        None => {
            skip(test, &format!("{FILE} names no module for this kernel"));
            None
        }
    }
}

/// The sites whose stack passes through that part of memory.
fn sites_in<'a>(report: &'a Report, part: &Range<u64>) -> Vec<&'a Site> {
    let within = |site: &Site| {
        site.frames
            .iter()
            .any(|it| part.contains(&address(&it.address)))
    };
    report.sites_where(within)
}

fn pages(sites: &[&Site]) -> Pages {
    let mut pages = Pages::new();
    for site in sites {
        for (order, more) in &site.orders {
            *pages.entry((site.owner.clone(), *order)).or_default() += more;
        }
    }
    pages
}

#[test]
fn what_a_module_keeps_is_exact_and_its_own() {
    let Some((_machine, file)) = module_or_skip("what_a_module_keeps_is_exact_and_its_own") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _module = Module::load(&file);
    let report = trace.end().report;
    let sites = sites_in(&report, &Module::addresses());
    let own = |site: &&Site| site.module.as_deref() == Some(NAME);
    assert!(sites.iter().all(own), "{sites:#?}");
    let losses = &report.losses;
    assert_eq!(
        pages(&sites),
        Module::outstanding(),
        "{losses:?} {sites:#?}"
    );
}

#[test]
fn a_module_that_is_gone_leaves_nothing() {
    let Some((_machine, file)) = module_or_skip("a_module_that_is_gone_leaves_nothing") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let module = Module::load(&file);
    let addresses = Module::addresses();
    drop(module);
    let report = trace.end().report;
    let sites = sites_in(&report, &addresses);
    assert!(sites.is_empty(), "{sites:#?}");
}

#[test]
fn an_array_that_was_half_full_took_the_other_half() {
    let test = "an_array_that_was_half_full_took_the_other_half";
    let Some((_machine, file)) = module_or_skip(test) else {
        return;
    };
    let _module = Module::load(&file);
    let trace = Tracing::attach(&[]);
    Module::fill_array();
    let report = trace.end().report;
    let sites = sites_in(&report, &Module::addresses());
    let expected = Pages::from([(("fill".to_owned(), 0), 32)]);
    assert_eq!(pages(&sites), expected, "{:?} {sites:#?}", report.losses);
}
