//! Asking the service that records on this machine.

use std::{io::ErrorKind, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use http_body_util::Empty;
use hyper::{Request, body::Bytes, header::HOST};
use tokio::net::UnixStream;

use super::exchange::exchange;
use crate::model::{Report, Saved as _, ServiceStatus};

/// No answer takes longer: a look at all pages of a large machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The report of the service that answers on `socket`, of the last `since` or of all it recorded.
pub(super) fn report(socket: &Path, since: Option<Duration>) -> Result<Report> {
    let path = match since {
        Some(since) => format!("/report?since={}", since.as_secs()),
        None => "/report".to_owned(),
    };
    Report::from_json(&answer(socket, &path)?).context("cannot read what the service answered")
}

/// The service that answers on `socket`, if one does that leaves no allocation out.
pub(super) fn recorder_of_all(socket: &Path) -> Option<ServiceStatus> {
    let status = answer(socket, "/status").ok()?;
    let status: ServiceStatus = serde_json::from_slice(&status).ok()?;
    status.filters.is_empty().then_some(status)
}

fn answer(socket: &Path, path: &str) -> Result<Bytes> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let asked = async { tokio::time::timeout(PATIENCE, ask(socket, path)).await };
    let answered = runtime.block_on(asked);
    let place = || format!("cannot ask the service on {}", socket.display());
    answered
        .context("it does not answer")
        .flatten()
        .with_context(place)
}

async fn ask(socket: &Path, path: &str) -> Result<Bytes> {
    let stream = connect(socket).await?;
    let request = Request::get(path).header(HOST, "localhost");
    exchange(stream, request.body(Empty::<Bytes>::new())?).await
}

async fn connect(socket: &Path) -> Result<UnixStream> {
    match UnixStream::connect(socket).await {
        Ok(stream) => Ok(stream),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("only root may: run it with sudo")
        }
        Err(error)
            if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) =>
        {
            bail!(
                "nobody answers: start it with `systemctl start pagetrace` or `pagetrace serve`, or \
                 trace now with `pagetrace -i 60`"
            )
        }
        Err(error) => Err(error.into()),
    }
}
