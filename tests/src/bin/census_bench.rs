//! Says what a look at every page frame of a large host takes, and the join with references to them.
//!
//! ```text
//! # cargo run --release -p pagetrace-tests --bin census_bench -- --gib 1024
//! {"host_gib":1024,"sample_pages":1048576,"copy_nanoseconds":12.1,...
//! ```

use std::{
    hint::black_box,
    io::{Write, stdout},
    time::Instant,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use pagetrace::{
    bpf::{CopyMemory, Features, KernelMemory, PageArray, PageCensus},
    kernel::{
        btf::Btf,
        host,
        objects::Join,
        page_census::{BlockVisitor, VmallocFrames},
        page_struct::PageStruct,
        zoneinfo::Zone,
    },
    model::{Reference, Weight},
};
use pagetrace_tests::{
    readings::HostCensus,
    scale::{PageStructs, peak_bytes},
};

/// Every so many page frames one has a reference.
const STEP: usize = 256;

/// Measures the census of a made-up host; prints JSON
#[derive(Parser)]
struct Args {
    /// How much memory the host has, in GiB
    #[arg(long, default_value_t = 1024)]
    gib: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let array = Features::probe()?.page_array;
    let array = array.map_err(|it| anyhow::anyhow!("no page structs: {it}"))?;
    let blob = host::btf()?;
    let layout = PageStruct::of(&Btf::parse(&blob)?)?;
    let mut memory = KernelMemory::open()?;
    let zones = host::zones()?;
    let copy_nanoseconds = copying(&mut memory, array, &layout, &zones)?;
    let mut structs = PageStructs::sample(&mut memory, array, &layout, &zones)?;
    let pages = (args.gib << 30) / 4096;
    let references = references(pages);
    let before = peak_bytes()?;
    let mut host = Host {
        structs: &mut structs,
        layout: &layout,
        array: PageArray { base: 0, ..array },
        pages,
    };
    let census_nanoseconds = host.census(&mut ())?;
    let mut join = Join::new(&references);
    let join_nanoseconds = host.census(&mut join)?;
    let (held, _) = join.finish();
    black_box(&held);
    let reading = HostCensus {
        host_gib: args.gib,
        sample_pages: (structs.sampled_bytes() / layout.size) as u64,
        copy_nanoseconds,
        census_nanoseconds,
        join_nanoseconds,
        references: references.len(),
        references_mb: size_of_val(&*references) as f64 / 1e6,
        peak_mb: peak_bytes()?.saturating_sub(before) as f64 / 1e6,
    };
    writeln!(stdout(), "{}", serde_json::to_string(&reading)?)?;
    Ok(())
}

/// A host with so many page frames.
struct Host<'a> {
    structs: &'a mut PageStructs,
    layout: &'a PageStruct,
    array: PageArray,
    pages: u64,
}

impl Host<'_> {
    /// Nanoseconds a page.
    fn census(&mut self, visitor: &mut impl BlockVisitor) -> Result<f64> {
        let zones = [Zone {
            node: 0,
            frames: 0..self.pages,
        }];
        let census = PageCensus {
            array: self.array,
            layout: self.layout,
            zones: &zones,
            rests: None,
        };
        let start = Instant::now();
        let counts = census.count(self.structs, &VmallocFrames::default(), visitor)?;
        let nanoseconds = start.elapsed().as_nanos() as f64 / self.pages as f64;
        let counted: u64 = black_box(counts).pages.values().sum();
        // A free block may reach beyond the end.
        anyhow::ensure!(counted >= self.pages, "only {counted} pages were counted");
        Ok(nanoseconds)
    }
}

/// References to page frames in ascending order, a few to one object.
fn references(pages: u64) -> Vec<Reference> {
    let frames = (0..pages).step_by(STEP);
    frames
        .map(|frame| Reference {
            frame,
            object: (frame / 4096) as u32,
            weight: Weight::Each,
        })
        .collect()
}

/// Nanoseconds a page for the kernel to copy this machine's page structs, the second time.
fn copying(
    memory: &mut KernelMemory,
    array: PageArray,
    layout: &PageStruct,
    zones: &[Zone],
) -> Result<f64> {
    let zone = zones
        .iter()
        .max_by_key(|it| it.frames.end - it.frames.start);
    let frames = zone.context("no zone has page frames")?.frames.clone();
    let mut nanoseconds = 0.0;
    for _ in 0..2 {
        let start = Instant::now();
        let in_window = KernelMemory::WINDOW / layout.size as u64;
        for frame in frames.clone().step_by(in_window as usize) {
            let address = array.base.wrapping_add(frame * layout.size as u64);
            black_box(memory.window(address, KernelMemory::WINDOW)?.readable);
        }
        nanoseconds = start.elapsed().as_nanos() as f64 / (frames.end - frames.start) as f64;
    }
    Ok(nanoseconds)
}
