//! `--explain`: the class of what page frames without a holder have, and the symbols that their pointers
//! lead to.

use std::{collections::BTreeSet, fs};

use pagetrace_tests::harness::{Pagetrace, root_or_skip};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Report {
    explanation: Explanation,
    limitations: Vec<Limitation>,
}

#[derive(Debug, Deserialize)]
struct Explanation {
    pages: u64,
    contents: Vec<Content>,
    pointers: Option<Pointers>,
}

#[derive(Debug, Deserialize)]
struct Content {
    class: String,
    pages: u64,
}

#[derive(Debug, Deserialize)]
struct Pointers {
    symbols: Vec<Symbol>,
    unnamed: u64,
}

#[derive(Debug, Deserialize)]
struct Symbol {
    symbol: String,
    pointers: u64,
}

#[derive(Debug, Deserialize)]
struct Limitation {
    feature: String,
    reason: String,
}

const EXPLAIN: [&str; 4] = ["holders", "--explain", "--json", "-"];

fn report(pagetrace: Pagetrace) -> Report {
    let finished = pagetrace.run();
    assert!(finished.status.success(), "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// Page frames of the class that has pointers: the kernel always has some of them.
fn with_pointers(explanation: &Explanation) -> u64 {
    let looked_at: u64 = explanation.contents.iter().map(|it| it.pages).sum();
    assert!(looked_at <= explanation.pages, "{explanation:#?}");
    let mut classes = explanation.contents.iter();
    let pages = classes.find(|it| it.class == "pointers").map(|it| it.pages);
    pages.unwrap_or_else(|| panic!("{explanation:#?}"))
}

#[test]
fn pointers_lead_to_symbols_of_the_kernel() {
    let Some(_machine) = root_or_skip("pointers_lead_to_symbols_of_the_kernel") else {
        return;
    };
    let kallsyms = fs::read_to_string("/proc/kallsyms").expect("kallsyms");
    let names = kallsyms
        .lines()
        .filter_map(|it| it.split_whitespace().nth(2));
    let names: BTreeSet<_> = names.collect();
    let explanation = report(Pagetrace::new(&EXPLAIN)).explanation;
    let found = explanation.pointers.as_ref().expect("root sees addresses");
    let pointers: u64 = found.symbols.iter().map(|it| it.pointers).sum();
    let words = super::page() / 8;
    let most = with_pointers(&explanation) * words;
    assert!(
        pointers > 0 && pointers + found.unnamed <= most,
        "{found:#?}"
    );
    // BPF programs come and go, those of pagetrace among them.
    let is_known =
        |it: &Symbol| names.contains(it.symbol.as_str()) || it.symbol.starts_with("bpf_prog_");
    assert!(found.symbols.iter().all(is_known), "{found:#?}");
    assert!(
        found.symbols.is_sorted_by(|a, b| a.pointers >= b.pointers),
        "{found:#?}"
    );
    let screen = Pagetrace::new(&["holders", "--explain"]).run();
    let line = "\nPointers to kernel text and data: ";
    assert!(screen.stdout.contains(line), "{screen:#?}");
    assert!(screen.stdout.lines().count() <= 24, "{screen:#?}");
}

#[test]
fn hidden_symbols_are_no_zero() {
    let Some(_machine) = root_or_skip("hidden_symbols_are_no_zero") else {
        return;
    };
    let hidden = "0000000000000000 T _stext\n0000000000000000 T do_one_initcall\n";
    let seeing = |args: &[&str]| Pagetrace::new(args).seeing("/proc/kallsyms", hidden);
    let report = report(seeing(&EXPLAIN));
    assert!(with_pointers(&report.explanation) > 0);
    assert!(report.explanation.pointers.is_none(), "{report:#?}");
    let mut limits = report.limitations.iter();
    let limit = limits.find(|it| it.feature == "kernel-symbols");
    let limit = limit.unwrap_or_else(|| panic!("{report:#?}"));
    assert!(limit.reason.contains("kernel.kptr_restrict"), "{limit:?}");
    let screen = seeing(&["holders", "--explain"]).run();
    let line = "not named, as the kernel hides its addresses";
    assert!(screen.stdout.contains(line), "{screen:#?}");
}
