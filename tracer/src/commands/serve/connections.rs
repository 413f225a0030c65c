//! Connections: HTTP on the socket of the machine's root, and metrics for Prometheus over TCP.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{question::Question, socket::ServiceSocket};
use crate::render;

/// So many connections of a kind are open at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;

/// So long a client may take to ask.
const TO_ASK: Duration = Duration::from_secs(5);

/// So long a client may take in all, with the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What answers are in.
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Questions = mpsc::Sender<Question>;
type Answer = Response<Full<Bytes>>;

/// Where clients come from.
pub(super) struct Listeners {
    /// Those of this machine, who may ask everything.
    pub(super) socket: ServiceSocket,
    /// Those who may ask for metrics.
    pub(super) metrics: Option<TcpListener>,
}

/// Whom a client comes as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Local,
    Scraper,
}

impl Listeners {
    /// Answers each client in a task of its own; for ever. Neither kind can take the places of the other.
    pub(super) async fn accept(self, questions: Questions) -> Result<Infallible> {
        let locals = accept(
            || self.socket.listener.accept(),
            Client::Local,
            questions.clone(),
        );
        let Some(listener) = &self.metrics else {
            return locals.await;
        };
        let scrapers = accept(|| listener.accept(), Client::Scraper, questions);
        tokio::try_join!(locals, scrapers).map(|(never, _)| never)
    }
}

async fn accept<S, A, F>(
    next: impl Fn() -> F,
    client: Client,
    questions: Questions,
) -> Result<Infallible>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<(S, A)>>,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await?;
        let Some((stream, _)) = accepted(next().await).await else {
            continue;
        };
        let questions = questions.clone();
        tokio::spawn(async move {
            converse(stream, client, questions).await;
            drop(place);
        });
    }
}

/// A client that has gone already, or for whom no descriptor is left, is none; the rest waits a moment.
async fn accepted<T>(client: io::Result<T>) -> Option<T> {
    match client {
        Ok(client) => Some(client),
        Err(error) => {
            render::say(&format!("cannot accept a connection: {error}"));
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// One connection to its end. What goes wrong is the client's.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    client: Client,
    questions: Questions,
) {
    let service = service_fn(|request| answer(request, client, questions.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TO_ASK)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = timeout(PATIENCE, connection).await;
}

async fn answer(
    request: Request<Incoming>,
    client: Client,
    questions: Questions,
) -> Result<Answer, Infallible> {
    let path = request.uri().path();
    let query = request.uri().query();
    let answered = match (request.method(), path, client) {
        (&Method::GET, "/metrics", _) => metrics(&questions).await,
        (&Method::GET, "/report", Client::Local) => match since(query) {
            Ok(since) => report(since, &questions).await,
            Err(why) => Ok(text(StatusCode::BAD_REQUEST, why)),
        },
        (&Method::GET, "/status", Client::Local) => status(&questions).await,
        _ => Ok(text(StatusCode::NOT_FOUND, "there is nothing here\n")),
    };
    Ok(answered.unwrap_or_else(|error| {
        let sentence = format!("{}\n", render::sentence(&error));
        text(StatusCode::INTERNAL_SERVER_ERROR, sentence)
    }))
}

/// `since=SECONDS`, or nothing.
fn since(query: Option<&str>) -> Result<Option<Duration>, &'static str> {
    let Some(query) = query else { return Ok(None) };
    let seconds = query.strip_prefix("since=").and_then(|it| it.parse().ok());
    let since = seconds.map(Duration::from_secs);
    since.map(Some).ok_or("say since=SECONDS\n")
}

async fn report(since: Option<Duration>, questions: &Questions) -> Result<Answer> {
    let report = ask(questions, |reply| Question::Report { since, reply }).await?;
    json(&report)
}

async fn status(questions: &Questions) -> Result<Answer> {
    json(&ask(questions, |reply| Question::Status { reply }).await?)
}

async fn metrics(questions: &Questions) -> Result<Answer> {
    let metrics = ask(questions, |reply| Question::Metrics { reply }).await?;
    Ok(typed(
        StatusCode::OK,
        OPEN_METRICS,
        render::open_metrics(&metrics)?,
    ))
}

/// Asks the recorder, and waits for its turn.
async fn ask<T>(
    questions: &Questions,
    question: impl FnOnce(oneshot::Sender<Result<T>>) -> Question,
) -> Result<T> {
    let (reply, answer) = oneshot::channel();
    let gone = "the service is about to end";
    questions.send(question(reply)).await.ok().context(gone)?;
    answer.await.context(gone)?
}

fn json(document: &impl Serialize) -> Result<Answer> {
    let mut body = Vec::new();
    render::document(document, &mut body)?;
    Ok(typed(StatusCode::OK, JSON, body))
}

fn text(status: StatusCode, sentence: impl Into<Bytes>) -> Answer {
    typed(status, TEXT, sentence)
}

fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static(content_type);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}
