//! Which kernel runs.

use rustix::system::uname;

/// A release of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kernel {
    /// 6 of 6.12.
    pub major: u32,
    /// 12 of 6.12.
    pub minor: u32,
}

impl Kernel {
    /// The one that runs.
    pub fn running() -> Self {
        let uname = uname();
        let release = uname.release().to_str().expect("a release is ASCII");
        Self::parse(release).expect("a release begins with two numbers")
    }

    fn parse(release: &str) -> Option<Self> {
        let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
        Some(Self {
            major: numbers.next()?.parse().ok()?,
            minor: numbers.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_in_order() {
        let kernel = |release| Kernel::parse(release).expect("a release");
        assert!(kernel("5.10.0-32-cloud-amd64") < kernel("6.1.0-50-cloud-amd64"));
        assert!(kernel("6.9") < kernel("6.12.107+deb13-cloud-amd64"));
        assert_eq!(kernel("7.2-rc3"), Kernel { major: 7, minor: 2 });
        assert_eq!(Kernel::parse("next"), None);
    }
}
