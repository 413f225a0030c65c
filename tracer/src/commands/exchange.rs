//! One question over HTTP, and its answer.

use anyhow::{Result, ensure};
use http_body_util::BodyExt as _;
use hyper::{
    Request,
    body::{Body, Bytes},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// What the server at the other end of the stream answers; an error, in its own words, if it refuses.
pub(super) async fn exchange<B>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<B>,
) -> Result<Bytes>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let why = String::from_utf8_lossy(&body).trim().to_owned();
        match &why[..] {
            "" => ensure!(status.is_success(), "it answers {status}"),
            why => ensure!(status.is_success(), "{why}"),
        }
        // The connection ends with it.
        drop(sender);
        Ok(body)
    };
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}
