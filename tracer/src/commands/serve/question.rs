//! What connections ask the recorder.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::oneshot;

use crate::model::{Metrics, Report, ServiceStatus};

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
