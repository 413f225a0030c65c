//! One question over HTTP, and its answer.

use anyhow::{Error, Result, ensure};
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    Request, StatusCode,
    body::{Body, Bytes},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// No answer has more bytes: a report of 100,000 call sites has some 100 MB.
const LARGEST: usize = 1 << 30;

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
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(Error::from_boxed)?.to_bytes();
        ensure!(status.is_success(), "{}", refusal(status, &body));
        // The connection ends with it.
        drop(sender);
        Ok(body)
    };
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

/// The first line of its answer, if it has one.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    const LONGEST: usize = 200;
    let body = String::from_utf8_lossy(body);
    match body.trim().lines().next() {
        Some(line) => line.chars().take(LONGEST).collect(),
        None => format!("it answers {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line() {
        let no = StatusCode::NOT_FOUND;
        assert_eq!(refusal(no, b" no tenant\n<html>"), "no tenant");
        assert_eq!(refusal(no, b"\n"), "it answers 404 Not Found");
        assert_eq!(refusal(no, &[b'x'; 1000]).len(), 200);
    }
}
