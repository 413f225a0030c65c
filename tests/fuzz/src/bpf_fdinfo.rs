//! Numbers are those that the text spells; lines before others win.

use pagetrace::kernel::bpf_fdinfo::BpfKind;

pub(crate) fn check(data: &[u8]) {
    let fdinfo = crate::text(data);
    for kind in [BpfKind::Map, BpfKind::Program] {
        if let Some(object) = kind.object(fdinfo) {
            assert!(fdinfo.contains(&object.id.to_string()));
            assert!(fdinfo.contains(&object.bytes.to_string()));
        }
        let more = format!("map_type:\t1\nmemlock:\t5\nmap_id:\t7\nprog_id:\t7\n{fdinfo}");
        let object = kind.object(&more).expect("it is whole");
        assert_eq!((object.kind, object.id, object.bytes), (kind, 7, 5));
    }
}
