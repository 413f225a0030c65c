//! What a reader of pprof's profiles finds in one: numbers of google/pprof, proto/profile.proto.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use flate2::read::GzDecoder;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Profile {
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mappings: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    locations: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    functions: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    strings: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) values: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    labels: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Mapping {
    #[prost(int64, tag = "5")]
    file: i64,
    #[prost(int64, tag = "6")]
    build_id: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

impl Profile {
    pub(super) fn read(path: &Path) -> Self {
        let mut bytes = Vec::new();
        let file = File::open(path).expect("it was written");
        let read = GzDecoder::new(file).read_to_end(&mut bytes);
        read.expect("it is gzip");
        Self::decode(&bytes[..]).expect("it is a profile")
    }

    /// Pages and bytes of the samples that match.
    pub(super) fn sums_where(&self, matches: impl Fn(&Sample) -> bool) -> [i64; 2] {
        let samples: Vec<_> = self.samples.iter().filter(|it| matches(it)).collect();
        [0, 1].map(|column| samples.iter().map(|it| it.values[column]).sum())
    }

    /// Whether a function on the stack of a sample has `name` in its own.
    pub(super) fn passes(&self, sample: &Sample, name: &str) -> bool {
        let ids = sample.locations.iter();
        let locations = ids.filter_map(|id| self.locations.iter().find(|it| it.id == *id));
        let lines = locations.flat_map(|it| &it.lines);
        let functions = lines
            .filter_map(|line| self.functions.iter().find(|it| it.id == line.function))
            .map(|it| self.text(it.name));
        functions.into_iter().any(|it| it.contains(name))
    }

    /// What a sample is marked with.
    pub(super) fn labels(&self, sample: &Sample) -> BTreeMap<&str, &str> {
        let labels = sample.labels.iter();
        labels
            .map(|it| (self.text(it.key), self.text(it.text)))
            .collect()
    }

    /// The build id of an image of code.
    pub(super) fn build_id(&self, file: &str) -> Option<&str> {
        let mut mappings = self.mappings.iter();
        let mapping = mappings.find(|it| self.text(it.file) == file)?;
        Some(self.text(mapping.build_id))
    }

    fn text(&self, index: i64) -> &str {
        &self.strings[index as usize]
    }
}
