//! A tracer that records without end, its time, and what is asked of it: by the service, and by `top`
//! where there is none.

mod known_names;
mod site_pool;

use std::{
    process,
    time::{Duration, Instant},
};

use anyhow::Result;
use jiff::Timestamp;

use self::{known_names::KnownNames, site_pool::SitePool};
use super::trace::{
    Readings, look,
    plan::{self, Plan, Request},
    vmlinux,
};
use crate::{
    analysis::{self, Marking, Recorded, RollingTimeline},
    bpf::{self, Tracer},
    cli::SymbolArgs,
    kernel::host,
    model::{
        Cost, Frame, Host, Metrics, Report, Scope, Seconds, ServiceStatus, StatusSchema, Tool,
        Window,
    },
    render,
    symbols::{KernelSymbols, Vmlinux},
};

/// A tracer that records without end.
pub(in crate::commands) struct Recorder {
    tracer: Tracer,
    plan: Plan,
    host: Host,
    vmlinux: Option<Vmlinux>,
    /// Where the kernel's text begins, once symbols were read; none where they are hidden.
    text_address: Option<u64>,
    names: KnownNames,
    scope: Scope,
    filters: Vec<String>,
    began: Instant,
    started: Timestamp,
    before: Readings,
    timeline: RollingTimeline,
    sites: SitePool,
    table_bytes: u64,
}

impl Recorder {
    /// Attaches the programs.
    pub(in crate::commands) fn start(request: &Request, symbols: &SymbolArgs) -> Result<Self> {
        let host = host::running()?;
        let vmlinux = vmlinux(symbols, &host)?;
        let plan = plan::plan(request)?;
        for limitation in &plan.limitations {
            render::say(&limitation.to_string());
        }
        let table_bytes = bpf::table_bytes(&plan.settings.spans, plan.settings.max_sites)?;
        let tracer = Tracer::attach(&plan.settings)?;
        Ok(Self {
            tracer,
            plan,
            host,
            vmlinux,
            text_address: None,
            names: KnownNames::default(),
            scope: request.filters.scope,
            filters: request.filters.spelled(),
            began: Instant::now(),
            started: Timestamp::now(),
            before: Readings::now(),
            timeline: RollingTimeline::default(),
            sites: SitePool::of(request.max_sites),
            table_bytes,
        })
    }

    pub(in crate::commands) const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    pub(in crate::commands) const fn tracer_mut(&mut self) -> &mut Tracer {
        &mut self.tracer
    }

    /// When there is something to do again.
    pub(in crate::commands) fn next_due(&self) -> Instant {
        const FAR: Duration = Duration::from_secs(3600);
        let due = self.timeline.next_due();
        due.map_or_else(|| Instant::now() + FAR, |due| self.began + due)
    }

    /// Does what is due: a new epoch, and room for more of them.
    pub(in crate::commands) fn steer(&mut self) -> Result<()> {
        let now = self.began.elapsed();
        if self.timeline.next_due().is_none_or(|due| now < due) {
            return Ok(());
        }
        if let Some(epoch) = self.timeline.begin(now) {
            self.tracer.set_epoch(epoch)?;
        }
        if let Some(merge) = self.timeline.merge(now) {
            self.tracer.merge_epochs(&merge.into)?;
            self.timeline.release(merge);
        }
        Ok(())
    }

    /// What was taken in the last so long, or ever, who has it, and who took it.
    pub(in crate::commands) fn report(&mut self, since: Option<Duration>) -> Result<Report> {
        let recorded = look(&mut self.tracer, &self.plan, Marking::GoesOn)?;
        self.named(recorded, since)
    }

    /// The same of all that is out, without who has it.
    pub(in crate::commands) fn report_of_sites(&mut self) -> Result<Report> {
        let plan = Plan {
            holders: false,
            ..self.plan.clone()
        };
        let recorded = look(&mut self.tracer, &plan, Marking::GoesOn)?;
        self.sites.reuse(&mut self.tracer, &recorded)?;
        self.named(recorded, None)
    }

    fn named(&mut self, recorded: Recorded, since: Option<Duration>) -> Result<Report> {
        let age = self.began.elapsed();
        let epochs = self.timeline.window(age, since);
        let now = Readings::now();
        let before = age.checked_sub(epochs.length).filter(|it| !it.is_zero());
        let recorded = Recorded {
            survivors: recorded.survivors.of_epochs(|number| epochs.place(number)),
            cost: Cost {
                process_cpu_seconds: now.cpu_time_since(&self.before),
                ..recorded.cost
            },
            ..recorded
        };
        let window = Window {
            started: Timestamp::now() - epochs.length,
            record_seconds: epochs.length.into(),
            drain_seconds: Duration::ZERO.into(),
            epochs: epochs.starts,
            recorded_before_seconds: before.map(Seconds::from),
            scope: self.scope,
            filters: self.filters.clone(),
            takers: None,
        };
        let mut unnamed = Ok(());
        let (names, vmlinux) = (&mut self.names, self.vmlinux.as_ref());
        let mut text_address = self.text_address;
        let symbols = |addresses: &_| {
            let symbols = KernelSymbols::new(host::kallsyms()?, vmlinux);
            text_address = symbols.text_address();
            Ok(symbols.frames(addresses))
        };
        let mut report = analysis::report(self.host.clone(), window, recorded, |addresses| {
            names.of(addresses, symbols).unwrap_or_else(|error| {
                unnamed = Err(error);
                addresses
                    .iter()
                    .map(|&it| vec![Frame::unnamed(it)])
                    .collect()
            })
        });
        unnamed?;
        self.text_address = text_address;
        report.images = host::images(report.modules(), text_address);
        Ok(report)
    }

    /// What the service says of itself.
    pub(in crate::commands) fn status(&self) -> Result<ServiceStatus> {
        let sites = self.tracer.sites_in_use()?.len();
        Ok(ServiceStatus {
            schema: StatusSchema::V1,
            tool: Tool::own(),
            host: self.host.clone(),
            pid: process::id(),
            started: self.started,
            seconds: self.began.elapsed().into(),
            scope: self.scope,
            filters: self.filters.clone(),
            outstanding_pages: self.tracer.outstanding_pages()?,
            sites: u32::try_from(sites).unwrap_or(u32::MAX),
            max_sites: self.plan.settings.max_sites,
            reused_sites: self.sites.reused(),
            process_cpu_seconds: Readings::now().cpu_time_since(&self.before),
            limitations: self.plan.limitations.clone(),
        })
    }

    /// What is counted all the time.
    pub(in crate::commands) fn metrics(&mut self) -> Result<Metrics> {
        let capture = self.tracer.capture()?;
        let page_size = self.host.page_size;
        Ok(Metrics {
            losses: capture.losses,
            taken_pages: capture.taken_pages,
            outstanding_bytes: self.tracer.outstanding_pages()? * page_size,
            recording: self.began.elapsed().into(),
            process_cpu: Readings::now().cpu_time_since(&self.before),
            process_resident_bytes: host::own_resident_bytes().ok(),
            table_bytes: self.table_bytes,
            ..Metrics::default()
        })
    }
}
