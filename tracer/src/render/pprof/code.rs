//! Where stacks lead: images, addresses and functions, each once.

use rustc_hash::FxHashMap;

use super::{
    message::{Function, Line, Location, Mapping},
    strings::Strings,
};
use crate::{
    model::{Frame, Image, NoStack, Report, Site},
    render::{escape::harmless, text},
};

/// What perf calls the kernel proper, and pprof leaves alone.
const KERNEL: &str = "[kernel.kallsyms]";

/// The smallest unit of a mapping.
const PAGE: u64 = 4096;

/// The code that stacks are in.
pub(super) struct Code<'a> {
    report: &'a Report,
    pub(super) mappings: Vec<Mapping>,
    mapping_ids: FxHashMap<Option<&'a str>, u64>,
    pub(super) locations: Vec<Location>,
    location_ids: FxHashMap<&'a [u32], u64>,
    stackless: FxHashMap<NoStack, u64>,
    pub(super) functions: Vec<Function>,
    function_ids: FxHashMap<(i64, i64), u64>,
}

impl<'a> Code<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        Self {
            report,
            mappings: Vec::new(),
            mapping_ids: FxHashMap::default(),
            locations: Vec::new(),
            location_ids: FxHashMap::default(),
            stackless: FxHashMap::default(),
            functions: Vec::new(),
            function_ids: FxHashMap::default(),
        }
    }

    /// The ids of the places on a site's stack, innermost first.
    pub(super) fn stack(&mut self, site: &'a Site, strings: &mut Strings) -> Vec<u64> {
        if let Some(reason) = site.no_stack {
            return vec![self.stackless(reason, strings)];
        }
        // Functions that were inlined share the address of the one around them, which comes last.
        let frames = &self.report.frames;
        let is_inlined = |index: &u32| frames.get(*index as usize).is_some_and(|it| it.inlined);
        let places = site.stack.chunk_by(|inner, _| is_inlined(inner));
        places.map(|it| self.location(it, strings)).collect()
    }

    fn stackless(&mut self, reason: NoStack, strings: &mut Strings) -> u64 {
        if let Some(&id) = self.stackless.get(&reason) {
            return id;
        }
        let id = self.locations.len() as u64 + 1;
        let function_id = self.function(reason.name(), None, strings);
        self.locations.push(Location {
            id,
            line: vec![Line {
                function_id,
                line: 0,
            }],
            ..Location::default()
        });
        self.stackless.insert(reason, id);
        id
    }

    fn location(&mut self, indices: &'a [u32], strings: &mut Strings) -> u64 {
        if let Some(&id) = self.location_ids.get(indices) {
            return id;
        }
        let report = self.report;
        let frames: Vec<_> = report.frames_at(indices).collect();
        let address = frames.last().map_or(0, |it| it.address);
        let module = frames.last().and_then(|it| it.module.as_deref());
        let lines = frames.iter().map(|frame| Line {
            function_id: self.function(&text::function(frame), frame.file.as_deref(), strings),
            line: frame.line.map_or(0, i64::from),
        });
        let line = lines.collect();
        let mapping_id = self.mapping(module, strings);
        let id = self.locations.len() as u64 + 1;
        self.locations.push(Location {
            id,
            mapping_id,
            address,
            line,
        });
        self.location_ids.insert(indices, id);
        id
    }

    fn function(&mut self, name: &str, file: Option<&str>, strings: &mut Strings) -> u64 {
        let name = strings.index(&harmless(name));
        let filename = strings.index(&harmless(file.unwrap_or_default()));
        let id = self.functions.len() as u64 + 1;
        let functions = &mut self.functions;
        *self
            .function_ids
            .entry((name, filename))
            .or_insert_with(|| {
                functions.push(Function {
                    id,
                    name,
                    system_name: name,
                    filename,
                });
                id
            })
    }

    fn mapping(&mut self, module: Option<&'a str>, strings: &mut Strings) -> u64 {
        if let Some(&id) = self.mapping_ids.get(&module) {
            return id;
        }
        let id = self.mappings.len() as u64 + 1;
        let mut images = self.report.images.iter();
        let image = images.find(|it| it.module.as_deref() == module);
        let name = match module {
            Some(module) => format!("[{}]", harmless(module)),
            None => KERNEL.to_owned(),
        };
        let build_id = image.and_then(|it| it.build_id.as_deref());
        let frames = self.report.frames.iter();
        let frames: Vec<_> = frames.filter(|it| it.module.as_deref() == module).collect();
        let (memory_start, memory_limit) = range(image, &frames);
        let any = |is: fn(&Frame) -> bool| frames.iter().any(|it| is(it));
        self.mappings.push(Mapping {
            id,
            memory_start,
            memory_limit,
            filename: strings.index(&name),
            build_id: strings.index(&harmless(build_id.unwrap_or_default())),
            has_functions: true,
            has_filenames: any(|it| it.file.is_some()),
            has_line_numbers: any(|it| it.line.is_some()),
            has_inline_frames: any(|it| it.inlined),
        });
        self.mapping_ids.insert(module, id);
        id
    }
}

/// From where an image's text begins to behind the last address that is known in it.
fn range(image: Option<&Image>, frames: &[&Frame]) -> (u64, u64) {
    let addresses = frames.iter().map(|it| it.address);
    let lowest = addresses.clone().min().unwrap_or(0);
    let highest = addresses.max().unwrap_or(0);
    let text = image.map(|it| it.text_address).filter(|&it| it != 0);
    let start = text.map_or(lowest, |text| text.min(lowest));
    let limit = (highest / PAGE).saturating_add(1).saturating_mul(PAGE);
    (start / PAGE * PAGE, limit)
}
