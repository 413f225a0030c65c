//! An exporter is one that the text spells; one more buffer is one more.

use pagetrace::kernel::dma_buf::in_text;

pub(crate) fn check(data: &[u8]) {
    let bufinfo = crate::text(data);
    let mut found = in_text(bufinfo);
    assert!(found.keys().all(|exporter| bufinfo.contains(exporter)));
    let line = "00004096\t00000002\t00080007\t00000002\tsystem\t00000105\t<none>\n";
    let sum = found.entry("system".to_owned()).or_default();
    *sum = sum.saturating_add(4096);
    assert_eq!(in_text(&format!("{line}{bufinfo}")), found);
}
