//! Connections: HTTP on the socket of the machine's root, and metrics for Prometheus over TCP.

use std::{
    convert::Infallible,
    io,
    net::TcpListener,
    os::unix::net::UnixListener,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

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
    net,
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use super::question::{Question, Service};
use crate::{model::Metrics, render};

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

/// Why there is no answer.
const GONE: &str = "the service is about to end";

type Answer = Response<Full<Bytes>>;

/// Where clients come from.
pub(super) struct Listeners {
    /// Those of this machine, who may ask everything.
    pub(super) local: UnixListener,
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
    /// Answers in a thread of its own, so that nobody waits for the recorder who need not.
    pub(super) fn answer_in_thread(self, service: Service) -> io::Result<JoinHandle<Result<()>>> {
        let answer = move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let never = runtime.enable_all().build()?.block_on(self.accept(service));
            never.map(|never| match never {})
        };
        thread::Builder::new()
            .name("connections".to_owned())
            .spawn(answer)
    }

    /// Answers each client in a task of its own; for ever. Neither kind can take the places of the other.
    async fn accept(self, service: Service) -> Result<Infallible> {
        self.local.set_nonblocking(true)?;
        let listener = net::UnixListener::from_std(self.local)?;
        let locals = accept(|| listener.accept(), Client::Local, service.clone());
        let Some(listener) = self.metrics else {
            return locals.await;
        };
        listener.set_nonblocking(true)?;
        let listener = net::TcpListener::from_std(listener)?;
        let scrapers = accept(|| listener.accept(), Client::Scraper, service);
        tokio::try_join!(locals, scrapers).map(|(never, _)| never)
    }
}

async fn accept<S, A, F>(
    next: impl Fn() -> F,
    client: Client,
    service: Service,
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
        let service = service.clone();
        tokio::spawn(async move {
            converse(stream, client, service).await;
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
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, client: Client, service: Service) {
    let service = service_fn(|request| answer(request, client, service.clone()));
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
    service: Service,
) -> Result<Answer, Infallible> {
    let path = request.uri().path();
    let query = request.uri().query();
    let answered = match (request.method(), path, client) {
        (&Method::GET, "/metrics", _) => metrics(&service).await,
        (&Method::GET, "/report", Client::Local) => match since(query) {
            Ok(since) => report(since, &service).await,
            Err(why) => Ok(text(StatusCode::BAD_REQUEST, why)),
        },
        (&Method::GET, "/status", Client::Local) => status(&service).await,
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

async fn report(since: Option<Duration>, service: &Service) -> Result<Answer> {
    let report = ask(service, |reply| Question::Report { since, reply }).await?;
    // A large one takes a while to write.
    spawn_blocking(move || json(&report)).await?
}

async fn status(service: &Service) -> Result<Answer> {
    json(&ask(service, |reply| Question::Status { reply }).await?)
}

async fn metrics(service: &Service) -> Result<Answer> {
    let body = render::open_metrics(&counted(service).await?)?;
    Ok(typed(StatusCode::OK, OPEN_METRICS, body))
}

/// What is counted now; what was counted before, while the recorder looks at every page.
async fn counted(service: &Service) -> Result<Metrics> {
    let mut before = service.counted.clone();
    tokio::select! {
        biased;
        now = ask(service, |reply| Question::Metrics { reply }) => now,
        Ok(before) = before.wait_for(Option::is_some) => before.clone().context(GONE),
    }
}

/// Asks the recorder, and waits for its turn.
async fn ask<T>(
    service: &Service,
    question: impl FnOnce(oneshot::Sender<Result<T>>) -> Question,
) -> Result<T> {
    let (reply, answer) = oneshot::channel();
    let asked = service.questions.send(question(reply)).await;
    asked.ok().context(GONE)?;
    answer.await.context(GONE)?
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

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;

    fn of(taken_pages: u64) -> Metrics {
        Metrics {
            taken_pages,
            ..Metrics::default()
        }
    }

    /// A service, and the recorder's ends.
    fn service() -> (
        Service,
        mpsc::Receiver<Question>,
        watch::Sender<Option<Metrics>>,
    ) {
        let (questions, asked) = mpsc::channel(1);
        let (publisher, counted) = watch::channel(None);
        (Service { questions, counted }, asked, publisher)
    }

    #[tokio::test]
    async fn a_scraper_does_not_wait_for_a_look() {
        let (service, _asked, publisher) = service();
        let look = async { publisher.send_replace(Some(of(5))) };
        let (told, _) = tokio::join!(counted(&service), look);
        assert_eq!(told.expect("what was counted before").taken_pages, 5);
        let told = counted(&service).await;
        assert_eq!(told.expect("what was counted before").taken_pages, 5);
    }

    #[tokio::test]
    async fn a_recorder_that_is_not_busy_says_what_is_counted_now() {
        let (service, mut asked, publisher) = service();
        publisher.send_replace(Some(of(5)));
        publisher.send_replace(None);
        let recorder = async {
            let Some(Question::Metrics { reply }) = asked.recv().await else {
                panic!("nobody asked for metrics");
            };
            drop(reply.send(Ok(of(7))));
        };
        let (told, ()) = tokio::join!(counted(&service), recorder);
        assert_eq!(told.expect("metrics").taken_pages, 7);
    }
}
