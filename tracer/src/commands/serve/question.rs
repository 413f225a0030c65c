//! What connections ask the recorder.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::{mpsc, oneshot, watch};

use crate::model::{Metrics, Report, ServiceStatus};

/// The recorder, as connections see it.
#[derive(Clone)]
pub(super) struct Service {
    /// It answers one after the other.
    pub(super) questions: mpsc::Sender<Question>,
    /// What it had counted when it began what keeps it from answering; none while it answers.
    pub(super) counted: watch::Receiver<Option<Metrics>>,
}

/// A question, and where the answer goes.
pub(super) enum Question {
    /// What was taken and is out.
    Report {
        /// In the last so long; none for all that was recorded.
        since: Option<Duration>,
        reply: oneshot::Sender<Result<Report>>,
    },
    /// The metrics.
    Metrics {
        reply: oneshot::Sender<Result<Metrics>>,
    },
    /// What the service says of itself.
    Status {
        reply: oneshot::Sender<Result<ServiceStatus>>,
    },
}
