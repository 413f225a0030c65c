use super::*;
use crate::model::{FoundSocket, FoundTask, HeldBlock, HeldBy, Holding, SocketOwner, SocketState};

/// Of two processes: a pipe of the first, two sockets of the second, and one that was not accepted.
fn found() -> Found {
    let task = |pid, name: &str, state| FoundTask {
        pid,
        name: name.to_owned(),
        state,
    };
    let socket = |descriptors: &[(u32, u32)], holding, owner| FoundObject {
        kind: ObjectKind::Socket,
        address: 0,
        inode: 0,
        descriptors: descriptors.to_vec(),
        holding,
        payload_bytes: 100,
        label: None,
        netns: 0,
        socket: Some(Box::new(FoundSocket {
            state: SocketState {
                protocol: "tcp".to_owned(),
                local: Some("127.0.0.1:80".to_owned()),
                netns: 7,
                belongs_to: owner,
                ..SocketState::default()
            },
            ..FoundSocket::default()
        })),
    };
    let pipe = FoundObject {
        kind: ObjectKind::Pipe,
        inode: 4711,
        socket: None,
        ..socket(&[(0, 3), (0, 4)], Holding::Unknown, SocketOwner::File)
    };
    let mut found = Found::default();
    found.objects = vec![
        pipe,
        socket(&[(1, 5)], Holding::Unknown, SocketOwner::File),
        socket(&[(1, 6)], Holding::Unknown, SocketOwner::File),
        socket(&[], Holding::NotAccepted(1), SocketOwner::Nobody),
        socket(&[], Holding::Unknown, SocketOwner::Nobody),
    ];
    found.add_task(task(10, "writer", 'T'));
    found.add_task(task(20, "nginx", 'S'));
    found
}

fn block(pages: u64, counted: u64, held: &[(u32, u64)]) -> HeldBlock {
    HeldBlock {
        pages,
        page_use: PageUse::Plain,
        owner: 0,
        counted: Some(counted),
        mapped: 0,
        held: held.to_vec(),
    }
}

fn held() -> Held {
    Held {
        blocks: vec![
            block(1, 1, &[(0, 1)]),
            block(8, 5, &[(1, 2), (2, 3)]),
            block(4, 2, &[(1, 1)]),
            block(2, 2, &[(0, 1), (3, 1)]),
            block(1, 1, &[(4, 1), (Reference::OTHERS, 0)]),
        ],
        unheld: FxHashMap::from_iter([(PageUse::Charged, 3)]),
    }
}

fn about() -> About {
    About {
        page_size: 4096,
        ..About::default()
    }
}

/// Name, page frames and those of them that become free, of each group.
fn groups(by: HoldersBy) -> Vec<(String, u64, u64)> {
    let groups = holder_groups(&found(), &held(), &about(), by).into_iter();
    let groups = groups.map(|it| {
        (
            it.name,
            it.account.pinned_bytes / 4096,
            it.account.frees_bytes / 4096,
        )
    });
    groups.collect()
}

fn named(name: &str, pinned: u64, frees: u64) -> (String, u64, u64) {
    (name.to_owned(), pinned, frees)
}

#[test]
fn what_several_of_a_process_share_is_free_when_it_lets_go() {
    let expected = [
        // A block has a reference more than was found, which keeps it.
        named("2 tcp sockets, nginx (pid 20, fd 5-6)", 12, 8),
        named("pipe:[4711], writer (pid 10, fd 3)", 3, 1),
        named("tcp 127.0.0.1:80, not accepted: nginx (pid 20)", 2, 0),
        named("tcp 127.0.0.1:80, closed by its process", 1, 0),
    ];
    assert_eq!(groups(HoldersBy::Holder), expected);
}

#[test]
fn a_block_of_two_objects_is_not_free_when_one_is_closed() {
    let objects = groups(HoldersBy::Object);
    let sockets: Vec<_> = objects.iter().filter(|it| it.0.contains("nginx")).collect();
    let expected = [
        named("tcp 127.0.0.1:80, nginx (pid 20, fd 5)", 12, 0),
        named("tcp 127.0.0.1:80, nginx (pid 20, fd 6)", 8, 0),
        named("tcp 127.0.0.1:80, not accepted: nginx (pid 20)", 2, 0),
    ];
    assert_eq!(sockets, expected.iter().collect::<Vec<_>>());
}

#[test]
fn groups_of_each_kind_have_the_page_frames_once() {
    assert_eq!(
        groups(HoldersBy::Process),
        [
            named("nginx (pid 20)", 14, 8),
            named("writer (pid 10)", 3, 1),
            named("(no process)", 1, 0),
        ]
    );
    assert_eq!(
        groups(HoldersBy::Kind),
        [named("tcp socket", 15, 8), named("pipe", 3, 1)]
    );
    assert_eq!(
        groups(HoldersBy::Netns),
        [named("7", 15, 8), named("(no network namespace)", 3, 1)]
    );
}

#[test]
fn holders_say_how_they_are_held() {
    let holders = holders(&found(), &held(), &about());
    let how: Vec<_> = holders
        .iter()
        .map(|it| {
            (
                it.account.pinned_bytes / 4096,
                it.owner.holding,
                it.owner.pid,
                it.state,
            )
        })
        .collect();
    let expected = [
        (12, None, Some(20), Some('S')),
        (8, None, Some(20), Some('S')),
        (3, None, Some(10), Some('T')),
        (2, Some(HeldBy::NotAccepted), Some(20), Some('S')),
        (1, Some(HeldBy::Orphan), None, None),
    ];
    assert_eq!(how, expected);
}

#[test]
fn bytes_add_up() {
    let (unheld, totals) = holders_totals(&held(), 4096, None);
    assert_eq!(unheld, BTreeMap::from([(PageUse::Charged, 3 * 4096)]));
    assert_eq!(totals.held_bytes, 16 * 4096);
    assert_eq!(
        totals.unexplained_bytes,
        totals.held_bytes + totals.unheld_bytes
    );
}

#[test]
fn pages_of_a_site_are_named_by_holder() {
    let pages = BTreeMap::from([((1, 1), 8), ((1, 2), 4), ((1, 0), 20), ((2, 4), 1)]);
    let held = held_pages(&found(), &about(), &pages);
    let names = |site: u32| -> Vec<_> {
        let held = held[&site].iter();
        held.map(|it| (it.holder.as_str(), it.pages)).collect()
    };
    let expected = [
        ("pipe:[4711], writer (pid 10, fd 3)", 20),
        ("2 tcp sockets, nginx (pid 20, fd 5-6)", 12),
    ];
    assert_eq!(names(1), expected);
    assert_eq!(names(2), [("tcp 127.0.0.1:80, closed by its process", 1)]);
}

#[test]
fn a_tap_queue_is_called_by_its_device() {
    let mut found = found();
    found.objects[0] = FoundObject {
        kind: ObjectKind::TunQueue,
        label: Some("tap0".to_owned()),
        netns: 4711,
        ..found.objects[0].clone()
    };
    let holder = holder(&found, &About::default(), 0).expect("it is there");
    assert_eq!(holder.object, "tun/tap queue tap0");
    assert_eq!(holder.device.as_deref(), Some("tap0"));
    assert_eq!(holder.netns, Some(4711));
    assert_eq!(one(&holder), "tun/tap queue tap0, writer (pid 10, fd 3)");
}

#[test]
fn a_ring_buffer_without_a_descriptor_says_so() {
    let mut found = found();
    found.objects[0] = FoundObject {
        descriptors: Vec::new(),
        label: Some("events".to_owned()),
        ..FoundObject::new(ObjectKind::BpfRingBuffer, 1)
    };
    let holder = holder(&found, &About::default(), 0).expect("it is there");
    let name = "BPF ring buffer events, mapped, pinned, or used by a program";
    assert_eq!(one(&holder), name);
    assert_eq!((holder.device, holder.netns), (None, None));
}
