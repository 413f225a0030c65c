//! A client is one that the text spells; memory of the GPU itself does not count.

use pagetrace::kernel::drm_fdinfo::client;

pub(crate) fn check(data: &[u8]) {
    let fdinfo = crate::text(data);
    let found = client(fdinfo);
    if let Some(client) = &found {
        assert!(fdinfo.contains(&client.driver));
        let device = client.device.iter();
        assert!(device.into_iter().all(|device| fdinfo.contains(device)));
    }
    let more = format!("drm-memory-vram:\t7 MiB\nno line\n{fdinfo}");
    assert_eq!(client(&more), found);
}
