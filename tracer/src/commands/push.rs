//! Sending a profile to a server that keeps profiles: Pyroscope, by its `/ingest`
//! (pkg/ingester/pyroscope/ingest_handler.go of grafana/pyroscope).

use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::{Request, body::Bytes, header::HOST};
use tokio::{net::TcpStream, time::timeout};

use super::exchange::exchange;
use crate::{
    cli::Server,
    kernel::host,
    model::{Report, StackSample, Window},
    render,
};

/// So long the server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends the pages that are ranked, as pprof's form has them.
pub(super) fn profile(report: &Report, samples: &[StackSample], server: &Server) -> Result<()> {
    let mut profile = Vec::new();
    render::pprof(report, samples, &mut profile)?;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let sent = runtime.block_on(async {
        let sent = timeout(PATIENCE, send(profile, &report.window, server)).await;
        sent.context("it does not answer").flatten()
    });
    sent.with_context(|| format!("cannot send the profile to {}", server.url))
}

async fn send(profile: Vec<u8>, window: &Window, server: &Server) -> Result<()> {
    let stream = TcpStream::connect(&server.authority).await?;
    let request = Request::post(path(window, server)).header(HOST, &server.authority);
    let request = request.body(Full::<Bytes>::from(profile))?;
    exchange(stream, request).await.map(drop)
}

/// Of when it is, and of what machine unless the user says what it is called.
fn path(window: &Window, server: &Server) -> String {
    let from = window.started.as_second();
    let until = from.saturating_add_unsigned(window.length().as_secs().max(1));
    let own = || format!("name=pagetrace%7Bhost%3D{}%7D", plain(&host::name()));
    let name = server.query.clone().unwrap_or_else(own);
    let path = &server.path;
    format!("{path}/ingest?{name}&from={from}&until={until}&format=pprof&spyName=pagetrace")
}

/// Of characters that stand for themselves in a URL and in a label.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let characters = name.chars();
    characters
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    #[test]
    fn a_name_cannot_end_the_label() {
        assert_eq!(plain("web-1.example}&x=\u{fc}"), "web-1.example__x__");
    }

    fn server(path: &str, query: Option<&str>) -> Server {
        Server {
            url: String::new(),
            authority: String::new(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
        }
    }

    fn window() -> Window {
        Window {
            started: jiff::Timestamp::from_second(1000).expect("in range"),
            record_seconds: Duration::from_millis(8500).into(),
            drain_seconds: Duration::from_secs(2).into(),
            epochs: Vec::new(),
            recorded_before_seconds: None,
            scope: Scope::Kernel,
            filters: Vec::new(),
            takers: None,
        }
    }

    #[test]
    fn the_user_says_what_it_is_called_or_the_machine_does() {
        let named = path(
            &window(),
            &server("/profiles", Some("name=db%7Brack%3D7%7D")),
        );
        let rest = "&from=1000&until=1010&format=pprof&spyName=pagetrace";
        assert_eq!(
            named,
            format!("/profiles/ingest?name=db%7Brack%3D7%7D{rest}")
        );
        let own = path(&window(), &server("", None));
        assert!(own.starts_with("/ingest?name=pagetrace%7Bhost%3D"), "{own}");
        assert!(own.ends_with(&format!("%7D{rest}")), "{own}");
    }
}
