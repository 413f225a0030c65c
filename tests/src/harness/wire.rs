//! Two network cards of the machine with a wire between them.

use std::{env, fs, net::Ipv4Addr};

use super::Network;

/// The variable that holds their addresses; `cargo xtask vm` gives its machines such cards.
const VARIABLE: &str = "PAGETRACE_TEST_WIRE";

/// A network at each end, with one of the cards. What is sent at one end is received by the other's
/// driver.
pub struct Wire {
    /// One end.
    pub near: Network,
    /// The other.
    pub far: Network,
}

impl Wire {
    /// The address of the far end.
    pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    /// The machine's own; none where it has no such cards.
    pub fn of_the_machine() -> Option<Self> {
        let cards = env::var(VARIABLE).ok()?;
        let (near, far) = cards.split_once(' ').expect("a wire has two ends");
        let end = |mac, address: Ipv4Addr| {
            let network = Network::of_its_own();
            network.take_card(&name(mac), &format!("{address}/24"));
            network
        };
        Some(Self {
            near: end(near, Ipv4Addr::new(10, 0, 0, 1)),
            far: end(far, Self::FAR),
        })
    }
}

/// What the kernel calls the card of that address.
fn name(mac: &str) -> String {
    let cards = fs::read_dir("/sys/class/net").expect("sysfs is mounted");
    let mut names = cards.flatten().filter_map(|it| {
        let address = fs::read_to_string(it.path().join("address")).ok()?;
        (address.trim() == mac).then(|| it.file_name().to_string_lossy().into_owned())
    });
    let name = names.next();
    name.unwrap_or_else(|| panic!("no card has the address {mac}: is its driver loaded?"))
}
