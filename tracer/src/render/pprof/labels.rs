//! What samples are marked with.

use super::{message::Label, strings::Strings};
use crate::{
    model::{Choice as _, Report, Site, StackSample},
    render::{escape::harmless, gfp, text},
};

/// All that is known of a sample beside its stack.
pub(super) fn labels(
    report: &Report,
    site: &Site,
    sample: &StackSample,
    strings: &mut Strings,
) -> Vec<Label> {
    let gfp = sample.gfp.map(|it| gfp::names(it, &report.gfp_flags));
    let holder = sample.holder.and_then(|it| site.held_by.get(it));
    let process = site.process.as_ref();
    let process = process.map(|it| format!("{} (pid {})", it.name, it.pid));
    let cgroup = site.cgroup.as_ref();
    let cgroup = cgroup.map(|it| it.path.clone().unwrap_or_else(|| it.id.to_string()));
    let texts = [
        ("kind", Some(sample.kind.name().to_owned())),
        ("gfp", gfp),
        ("context", Some(text::context(site.context).to_owned())),
        ("process", process),
        ("cgroup", cgroup),
        // A number of 0 is no label to pprof.
        ("order", Some(sample.order.to_string())),
        ("holder", holder.map(|it| it.holder.clone())),
    ];
    let texts = texts.into_iter();
    let texts = texts.filter_map(|(key, value)| Some((key, harmless(&value?).into_owned())));
    let labels = texts.map(|(key, value)| Label {
        key: strings.index(key),
        str: strings.index(&value),
    });
    labels.collect()
}
