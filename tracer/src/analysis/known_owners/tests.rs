use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    analysis::owner::{self, Role},
    model::{HolderKind, ObjectKind},
};

const OWNERS: &str = include_str!("owners.toml");
const STACKS: &str = include_str!("stacks.txt");

fn written() -> Vec<Written> {
    written::read(OWNERS).expect("the file that we ship")
}

/// `function` or `function [module]`.
fn frame(text: &str) -> Frame {
    let (symbol, module) = text.split_once(" [").unwrap_or((text, ""));
    let module = module.strip_suffix(']').map(str::to_owned);
    Frame {
        module,
        ..Frame::named(symbol)
    }
}

/// The name of the owner of a stack that is written `inner < outer`.
fn owner_of(stack: &str) -> Option<&'static str> {
    let frames: Vec<_> = stack.split(" < ").map(frame).collect();
    let roles: Vec<_> = frames.iter().map(Role::of).collect();
    let owner = owner::index(&roles).expect("a stack with frames has an owner");
    let known = KnownOwners::shipped();
    let named = frames.iter().map(|frame| known.named(frame));
    known.nearest(named, owner).map(|it| &*it.name)
}

/// The stacks of the table with the name of their owner.
fn stacks() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = STACKS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").expect("an owner and a stack"))
}

#[test]
fn real_stacks_find_their_owners() {
    for (name, stack) in stacks() {
        let expected = (name != "-").then_some(name);
        assert_eq!(owner_of(stack), expected, "{stack}");
    }
}

#[test]
fn every_owner_of_stacks_is_in_the_table() {
    let names: BTreeSet<_> = stacks().map(|(name, _)| name).collect();
    let of_stacks = |it: &Written| !it.functions.is_empty() || !it.modules.is_empty();
    let missing: Vec<_> = written().into_iter().filter(of_stacks).collect();
    let missing = missing.iter().map(|it| &*it.name);
    let missing: Vec<_> = missing.filter(|name| !names.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_rule_names_its_own_entry() {
    let known = KnownOwners::shipped();
    let whole = |pattern: &str| pattern.replace('*', "");
    for entry in written() {
        let rules = |owner: Option<&KnownOwner>, rule: &str| {
            let found = owner.map(|it| &*it.name);
            assert_eq!(found, Some(&*entry.name), "{rule}");
        };
        let nearest = |frame: &Frame| known.nearest([known.named(frame)].into_iter(), 0);
        for rule in &entry.functions {
            rules(nearest(&Frame::named(&whole(rule))), rule);
        }
        for rule in &entry.modules {
            rules(nearest(&frame(&format!("unheard_of [{rule}]"))), rule);
        }
        for rule in &entry.caches {
            rules(known.of_cache(&whole(rule)), rule);
        }
        for rule in &entry.callers {
            rules(known.of_caller(&whole(rule)), rule);
        }
        for rule in &entry.kinds {
            rules(known.of_kind(rule), rule);
        }
    }
}

#[test]
fn no_two_entries_have_an_equal_rule_or_name() {
    let mut seen = BTreeMap::new();
    for entry in written() {
        let rules = [
            ("name", vec![entry.name.clone()]),
            ("function", entry.functions),
            ("module", entry.modules),
            ("cache", entry.caches),
            ("caller", entry.callers),
            ("kind", entry.kinds),
        ];
        let rules = rules.into_iter();
        for rule in rules.flat_map(|(kind, rules)| rules.into_iter().map(move |it| (kind, it))) {
            let other = seen.insert(rule.clone(), entry.name.clone());
            assert_eq!(other, None, "{rule:?} of {}", entry.name);
        }
    }
}

#[test]
fn functions_are_written_as_stems() {
    for entry in written() {
        for rule in entry.functions.iter().chain(&entry.callers) {
            let name = rule.trim_end_matches('*');
            assert_eq!(owner::stem(name), name, "{}", entry.name);
        }
        let dashed = entry.modules.iter().find(|it| it.contains('-'));
        assert_eq!(dashed, None, "the kernel writes modules with underscores");
    }
}

#[test]
fn sentences_are_short_and_plain() {
    for entry in written() {
        // A report is 100 columns wide, with what stands before the sentence.
        for (sentence, most) in [(&entry.what, 96), (&entry.who, 87), (&entry.normal, 88)] {
            assert!(sentence.ends_with('.'), "{sentence}");
            assert!(sentence.len() <= most, "{sentence}");
            let is_plain = |char: char| char.is_ascii() && !char.is_ascii_control();
            assert!(sentence.chars().all(is_plain), "{sentence}");
            assert!(
                sentence.starts_with(|it: char| !it.is_lowercase()),
                "{sentence}"
            );
        }
        assert!(
            !entry.look.is_empty() && !entry.look.ends_with('.'),
            "{entry:?}"
        );
        assert!(
            entry.look.is_ascii() && entry.look.len() <= 90,
            "{}",
            entry.look
        );
    }
}

#[test]
fn kinds_are_those_of_holders() {
    for kind in written().iter().flat_map(|it| &it.kinds) {
        let json = format!("\"{kind}\"");
        let is_known = serde_json::from_str::<HolderKind>(&json).is_ok()
            || serde_json::from_str::<ObjectKind>(&json).is_ok();
        assert!(is_known, "{kind}");
    }
}

#[test]
fn the_owner_nearest_to_the_allocator_wins() {
    let sent = "__alloc_pages < tcp_sendmsg_locked < svc_tcp_sendto [sunrpc] < nfsd [nfsd]";
    assert_eq!(owner_of(sent), Some("TCP sending"));
}

#[test]
fn a_helper_is_named_only_where_nobody_else_is() {
    let helper = "__alloc_pages < page_pool_alloc_pages < unheard_of_refill [unheard_of]";
    assert_eq!(owner_of(helper), Some("page_pool"));
    let driver = "__alloc_pages < page_pool_alloc_pages < unheard_of < ena_refill_rx_bufs [ena]";
    assert_eq!(owner_of(driver), Some("ena"));
}

#[test]
fn a_function_goes_before_its_beginning_and_that_before_its_module() {
    assert_eq!(
        owner_of("give_pages [mlx5_core]"),
        Some("mlx5 firmware pages")
    );
    assert_eq!(
        owner_of("nvme_alloc_host_mem_single [nvme]"),
        Some("NVMe host memory buffer")
    );
    assert_eq!(owner_of("kvm_mmu_load [kvm]"), Some("KVM page tables"));
    assert_eq!(owner_of("unheard_of [kvm]"), Some("KVM"));
}

#[test]
fn whoever_is_further_out_called_something_else() {
    let unknown = "__alloc_pages < unheard_of < 1 < 2 < 3 < 4";
    assert_eq!(
        owner_of(&format!("{unknown} < anon_pipe_write")),
        Some("pipes")
    );
    assert_eq!(owner_of(&format!("{unknown} < 5 < anon_pipe_write")), None);
}

#[test]
fn what_is_no_known_file_is_refused() {
    let entry = "[[owner]]\nname = \"a\"\nwhat = \"\"\nwho = \"\"\nnormal = \"\"\nlook = \"\"\n";
    assert!(KnownOwners::read(entry).is_ok());
    assert!(KnownOwners::read(&format!("{entry}function = [\"a\"]\n")).is_err());
    assert!(KnownOwners::read("[[owner]]\nname = \"a\"\n").is_err());
}

#[test]
fn caches_callers_and_kinds_have_owners() {
    let known = KnownOwners::shipped();
    let name = |it: Option<&KnownOwner>| it.map(|it| it.name.clone());
    assert_eq!(
        name(known.of_cache("dentry")).as_deref(),
        Some("directory entries")
    );
    assert_eq!(name(known.of_cache("kmalloc-512")), None);
    let ring = known.of_caller("bpf_map_area_alloc.constprop.0");
    assert_eq!(name(ring).as_deref(), Some("BPF maps"));
    assert_eq!(
        name(known.of_kind("packet-rings")).as_deref(),
        Some("AF_PACKET rings")
    );
    assert_eq!(name(known.of_kind("")), None);
}
