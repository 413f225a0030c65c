//! The Firefox Profiler's form of a profile, for <https://profiler.firefox.com>.

use std::io::{self, Write};

use fxprof_processed_profile::{
    CategoryColor, CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, Profile,
    ReferenceTimestamp, SamplingInterval, StackHandle, ThreadHandle, Timestamp, WeightType,
};

use super::{escape::harmless, json::document, text};
use crate::model::{NoStack, Report, Site, StackSample};

/// A sample's weight is an `i32`: more bytes of one stack are several samples, each of whole pages.
const MOST_BYTES: u64 = 1 << 30;

/// Writes the pages that are ranked, as bytes by stack, at the end of the window; they add up to the
/// ranked total.
pub fn firefox(report: &Report, samples: &[StackSample], out: &mut dyn Write) -> io::Result<()> {
    let mut drawn = Drawn::of(report);
    for sample in samples {
        if let Some(site) = report.sites.get(sample.site) {
            drawn.add(report, site, sample.pages);
        }
    }
    document(&drawn.profile, out)
}

/// A profile of one thread.
struct Drawn {
    profile: Profile,
    thread: ThreadHandle,
    kernel: CategoryHandle,
    module: CategoryHandle,
    end: Timestamp,
}

impl Drawn {
    fn of(report: &Report) -> Self {
        let started = report.window.started.as_duration().unsigned_abs();
        let started = ReferenceTimestamp::from_duration_since_unix_epoch(started);
        let length = u64::try_from(report.window.length().as_nanos()).unwrap_or(u64::MAX);
        let product = format!("{} (bytes of pages)", harmless(&report.tool.name));
        let mut profile = Profile::new(&product, started, SamplingInterval::from_nanos(length));
        profile.set_os_name(&format!("Linux {}", harmless(&report.host.kernel)));
        let [begin, end] = [0, length].map(Timestamp::from_nanos_since_reference);
        let process = profile.add_process("kernel", 0, begin);
        profile.set_process_end_time(process, end);
        let thread = profile.add_thread(process, 0, begin, true);
        profile.set_thread_name(thread, "pages taken and kept");
        profile.set_thread_end_time(thread, end);
        profile.set_thread_samples_weight_type(thread, WeightType::Bytes);
        let kernel = profile.add_category("Kernel", CategoryColor::Orange);
        let module = profile.add_category("Module", CategoryColor::Blue);
        // Names are in it already.
        profile.set_symbolicated(true);
        Self {
            profile,
            thread,
            kernel,
            module,
            end,
        }
    }

    fn add(&mut self, report: &Report, site: &Site, pages: u64) {
        let stack = self.stack(report, site);
        let mut bytes = pages.saturating_mul(report.host.page_size);
        while bytes > 0 {
            let part = bytes.min(MOST_BYTES);
            let weight = i32::try_from(part).unwrap_or(i32::MAX);
            let zero = CpuDelta::ZERO;
            self.profile
                .add_sample(self.thread, self.end, stack, zero, weight);
            bytes -= part;
        }
    }

    fn stack(&mut self, report: &Report, site: &Site) -> Option<StackHandle> {
        let frames: Vec<_> = match site.no_stack {
            Some(reason) => vec![self.place(reason)],
            None => {
                let frames = site.stack.iter().rev();
                let frames = frames.filter_map(|it| report.frames.get(*it as usize));
                frames.map(|frame| self.frame(frame)).collect()
            }
        };
        self.profile
            .intern_stack_frames(self.thread, frames.into_iter())
    }

    fn place(&mut self, reason: NoStack) -> FrameInfo {
        self.label(reason.name(), self.kernel)
    }

    fn frame(&mut self, frame: &crate::model::Frame) -> FrameInfo {
        let module = frame.module.as_deref();
        let name = text::with_module(&text::function(frame), module);
        let category = module.map_or(self.kernel, |_| self.module);
        self.label(&name, category)
    }

    fn label(&mut self, name: &str, category: CategoryHandle) -> FrameInfo {
        FrameInfo {
            frame: Frame::Label(self.profile.intern_string(name)),
            category_pair: category.into(),
            flags: FrameFlags::empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        analysis::{samples, summary},
        render::sample::{report, selection},
    };

    fn written(report: &Report) -> Value {
        let mut bytes = Vec::new();
        let samples = samples(report, &selection());
        firefox(report, &samples, &mut bytes).expect("memory takes everything");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn list(value: &Value) -> Vec<Value> {
        value.as_array().cloned().expect("a list")
    }

    fn weight(profile: &Value) -> u64 {
        let weights = list(&profile["threads"][0]["samples"]["weight"]);
        weights.iter().filter_map(Value::as_u64).sum()
    }

    #[test]
    fn weights_add_up_and_functions_have_names() {
        let report = report();
        let profile = written(&report);
        let ranked = summary(&report, &selection()).totals.ranked_bytes;
        assert_eq!(weight(&profile), ranked);
        let thread = &profile["threads"][0];
        assert_eq!(thread["samples"]["weightType"], "bytes");
        let names =
            profile["shared"]["stringArray"].to_string() + &thread["stringArray"].to_string();
        assert!(names.contains("anon_pipe_write"), "{names}");
        assert!(names.contains("[site table full]"), "{names}");
    }

    #[test]
    fn more_than_a_weight_holds_is_several_samples() {
        let mut report = report();
        for unfreed in report.sites.iter_mut().flat_map(|it| &mut it.unfreed) {
            for (_, pages) in &mut unfreed.by_epoch {
                *pages = pages.saturating_mul(1 << 20);
            }
        }
        let ranked = summary(&report, &selection()).totals.ranked_bytes;
        assert!(ranked > i32::MAX as u64);
        assert_eq!(weight(&written(&report)), ranked);
    }
}
