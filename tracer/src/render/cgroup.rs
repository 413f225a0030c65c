//! Control groups by the name that people know: a unit or a container.

use std::borrow::Cow;

use super::{escape::harmless, text};
use crate::model::MemoryCgroup;

/// What container runtimes put before the id, and systemd after it.
const PREFIXES: [&str; 5] = [
    "docker-",
    "cri-containerd-",
    "crio-",
    "libpod-",
    "lxc.payload.",
];

/// `/kubepods.slice/…/cri-containerd-0123456789ab….scope` is `0123456789ab`, and
/// `/system.slice/nginx.service` is `nginx.service`.
pub(super) fn short_name(path: &str) -> Cow<'_, str> {
    let last = path
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or("/");
    let prefix = PREFIXES.iter().find_map(|prefix| last.strip_prefix(prefix));
    let name = prefix.map_or(last, |rest| rest.strip_suffix(".scope").unwrap_or(rest));
    let is_id = name.len() >= 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    harmless(if is_id {
        name.get(..12).unwrap_or(name)
    } else {
        name
    })
}

/// `64.00 MiB`, with whose it is where that is a group around it.
pub(super) fn limit(cgroup: &MemoryCgroup) -> Option<String> {
    let limit = cgroup.limit.as_ref()?;
    let bytes = text::bytes(limit.bytes);
    Some(if limit.cgroup == cgroup.path {
        bytes
    } else {
        format!("{bytes} of {}", short_name(&limit.cgroup))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MemoryLimit;

    #[test]
    fn units_and_containers_have_short_names() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for (path, name) in [
            ("/", "/"),
            ("/system.slice/nginx.service", "nginx.service"),
            (&format!("/docker/{id}"), "0123456789ab"),
            (&format!("/system.slice/docker-{id}.scope"), "0123456789ab"),
            (
                &format!("/kubepods.slice/pod.slice/cri-containerd-{id}.scope"),
                "0123456789ab",
            ),
            ("/lxc.payload.web/", "web"),
            ("/user.slice/session-3.scope", "session-3.scope"),
            ("/evil\u{1b}[31m", r"evil\u{1b}[31m"),
        ] {
            assert_eq!(short_name(path), name);
        }
    }

    #[test]
    fn a_limit_of_a_group_around_it_is_named() {
        let with = |cgroup: &str| MemoryCgroup {
            path: "/pod/one".to_owned(),
            limit: Some(MemoryLimit {
                bytes: 64 << 20,
                cgroup: cgroup.to_owned(),
            }),
            ..MemoryCgroup::default()
        };
        assert_eq!(limit(&with("/pod/one")).as_deref(), Some("64.00 MiB"));
        assert_eq!(limit(&with("/pod")).as_deref(), Some("64.00 MiB of pod"));
    }
}
