//! Where the report goes: files, stdout, or both.

use std::io;

use anyhow::Result;

use super::{destination::Destination, page, push};
use crate::{
    analysis,
    cli::{Output, OutputArgs, RankingArgs, Server},
    model::{Case, FoldedBy, Report, Selection, StackSample, Summary},
    render::{self, Extent},
};

/// The outputs the user asked for, found to be writable, and what they show.
pub(super) struct Outputs {
    forms: Vec<(Form, Destination)>,
    page: Option<Destination>,
    server: Option<Server>,
    table: Option<Extent>,
    selection: Selection,
}

/// The forms of a report beside the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Folded(FoldedBy),
    Svg,
    Pprof,
    Speedscope,
    Firefox,
}

impl Outputs {
    pub(super) fn open(ranking: &RankingArgs, output: &OutputArgs) -> Result<Self> {
        let asked = [
            (Form::Json, &output.json),
            (Form::Folded(output.folded_by), &output.folded),
            (Form::Svg, &output.svg),
            (Form::Pprof, &output.pprof),
            (Form::Speedscope, &output.speedscope),
            (Form::Firefox, &output.firefox),
        ];
        let mut all = asked.iter().map(|(_, it)| *it).chain([&output.html]);
        let stdout_taken = all.any(|it| *it == Some(Output::Stdout));
        let asked = asked.into_iter();
        let asked = asked.filter_map(|(form, output)| Some((form, output.as_ref()?)));
        let open = |(form, output)| Ok((form, Destination::open(output)?));
        let extent = Extent {
            top: ranking.top,
            whole: output.verbose,
        };
        Ok(Self {
            forms: asked.map(open).collect::<Result<_>>()?,
            server: output.push.clone(),
            page: output.html.as_ref().map(Destination::open).transpose()?,
            table: (!stdout_taken).then_some(extent),
            selection: ranking.selection(),
        })
    }

    /// Writes to each, whatever becomes of the others; the first failure is the
    /// result. Files first: they are there even if nobody reads stdout to the end.
    pub(super) fn write(&self, report: &Report) -> Result<()> {
        let summary = analysis::summary(report, &self.selection);
        let mut forms = self.forms.iter().map(|(form, _)| form);
        let samples = if self.server.is_some() || forms.any(|it| it.needs_samples()) {
            analysis::samples(report, &self.selection)
        } else {
            Vec::new()
        };
        let page = self.page.as_ref().map_or(Ok(()), |it| {
            it.write(|out| page::of_report(report, &self.selection, out))
        });
        let mut written = page;
        for (form, destination) in &self.forms {
            let content = |out: &mut dyn io::Write| form.write(report, &summary, &samples, out);
            written = written.and(destination.write(content));
        }
        let pushed = self.server.as_ref();
        let pushed = pushed.map_or(Ok(()), |server| push::profile(report, &samples, server));
        let print = |extent| render::print(|out| render::table(report, &summary, extent, out));
        let printed = self.table.map_or(Ok(()), print);
        written.and(pushed).and(printed)
    }

    /// Writes the page about a case, if one was asked for, instead of that about its trace.
    pub(super) fn write_page_of(&mut self, case: &Case) -> Result<()> {
        let page = self.page.take();
        page.map_or(Ok(()), |it| {
            it.write(|out| page::of_case(case, &self.selection, out))
        })
    }

    /// Whether the table is not wanted, as stdout is taken.
    pub(super) fn are_quiet(&self) -> bool {
        self.table.is_none()
    }
}

impl Form {
    const fn needs_samples(self) -> bool {
        matches!(
            self,
            Self::Svg | Self::Pprof | Self::Speedscope | Self::Firefox
        )
    }

    fn write(
        self,
        report: &Report,
        summary: &Summary,
        samples: &[StackSample],
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        match self {
            Self::Json => render::json(report, summary, out),
            Self::Folded(by) => render::folded(report, summary, by, out),
            Self::Svg => render::svg(report, summary, samples, out),
            Self::Pprof => render::pprof(report, samples, out),
            Self::Speedscope => render::speedscope(report, samples, out),
            Self::Firefox => render::firefox(report, samples, out),
        }
    }
}
