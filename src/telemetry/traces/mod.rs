//! Spans on their way to a collector: OTLP over HTTP, in protobuf.
//!
//! Requests hand their spans over through a bounded queue to a thread of its own, which sends them in
//! batches by the one HTTP client that there is. A collector that is slow or away costs no request anything:
//! what finds the queue full is dropped and counted.

mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use self::messages::ExportTraceServiceRequest;
use crate::model::Secret;
use crate::outbound::{self, Client, Url};
use crate::trace::{Finished, Sink, Tracer};

/// The most requests whose spans wait.
const MAX_WAITING: usize = 2048;
/// When a batch is sent: so many spans, or so long after the first of them.
const BATCH_SPANS: usize = 2048;
const BATCH_AGE: Duration = Duration::from_secs(2);
/// How long after a failure a batch is sent once more.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How often it is logged that batches are lost.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// The largest answer of a collector that is read; nothing in it is of interest.
const MAX_ANSWER: usize = 64 * 1024;

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The collector's place for traces.
    pub url: Url,
    /// Fields that it wants, such as a credential.
    pub headers: Vec<(HeaderName, Secret)>,
    /// How it is called.
    pub http: outbound::Settings,
    /// Of so many traces that begin here one is recorded; 0 = none.
    pub one_in: u32,
}

/// What came of spans.
#[derive(Debug, Default)]
pub struct Counts {
    /// Spans that the collector has taken.
    pub sent: AtomicU64,
    /// Spans for which there was no room, because the collector was too slow.
    pub dropped: AtomicU64,
    /// Spans that the collector did not take.
    pub failed: AtomicU64,
}

enum Job {
    Spans(Finished),
    Flush(std::sync::mpsc::SyncSender<()>),
}

/// Sends spans.
#[derive(Clone, Debug)]
pub(super) struct Exporter {
    queue: Arc<Queue>,
    one_in: u32,
}

#[derive(Debug)]
struct Queue {
    jobs: mpsc::Sender<Job>,
    counts: Arc<Counts>,
}

impl Sink for Queue {
    fn take(&self, finished: Finished) {
        let spans = finished.spans.len() as u64;
        let lost = u64::from(finished.lost);
        let taken = self.jobs.try_send(Job::Spans(finished)).is_ok();
        let dropped = if taken { lost } else { lost + spans };
        self.counts.dropped.fetch_add(dropped, Ordering::Relaxed);
    }
}

impl Exporter {
    /// Starts the thread that sends.
    ///
    /// # Errors
    /// If it cannot be started, or the certificates to trust cannot be read.
    pub(super) fn start(settings: &Settings) -> Result<Self, String> {
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let counts = Arc::new(Counts::default());
        let client = Client::new(&settings.http).map_err(|error| format!("traces: {error}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("traces: {error}"))?;
        let thread = Thread {
            client,
            url: settings.url.clone(),
            headers: headers(&settings.headers),
            counts: Arc::clone(&counts),
            instance: uuid::Uuid::new_v4().to_string(),
            told: None,
        };
        std::thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || runtime.block_on(thread.run(waiting)))
            .map_err(|error| format!("traces: {error}"))?;
        Ok(Self {
            queue: Arc::new(Queue { jobs, counts }),
            one_in: settings.one_in,
        })
    }

    /// Who records requests for this exporter.
    pub(super) fn tracer(&self) -> Tracer {
        let sink: Arc<dyn Sink> = Arc::<Queue>::clone(&self.queue);
        Tracer {
            sink,
            one_in: self.one_in,
        }
    }

    /// Waits until every span so far was sent or given up, but no longer than this.
    pub(super) fn flush(&self, within: Duration) {
        let (done, wait) = sync_channel(1);
        if self.queue.jobs.try_send(Job::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(within);
        }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.queue.counts)
    }
}

fn headers(configured: &[(HeaderName, Secret)]) -> Vec<(HeaderName, HeaderValue)> {
    let protobuf = HeaderValue::from_static("application/x-protobuf");
    let mut headers = vec![(CONTENT_TYPE, protobuf)];
    headers.extend(configured.iter().filter_map(|(name, secret)| {
        let mut value = HeaderValue::from_str(secret.expose()).ok()?;
        value.set_sensitive(true);
        Some((name.clone(), value))
    }));
    headers
}

struct Thread {
    client: Client,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    counts: Arc<Counts>,
    /// How this process is told from others of its name.
    instance: String,
    /// When it was last logged that spans are lost.
    told: Option<Instant>,
}

impl Thread {
    async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut is_over = false;
        while !is_over {
            let (mut batch, mut n_spans, mut flush) = (Vec::new(), 0, None);
            let mut end = None;
            while n_spans < BATCH_SPANS && flush.is_none() {
                let job = match end {
                    None => waiting.recv().await,
                    Some(end) => match timeout_at(end, waiting.recv()).await {
                        Ok(job) => job,
                        Err(_) => break,
                    },
                };
                match job {
                    Some(Job::Spans(finished)) => {
                        end.get_or_insert_with(|| Instant::now() + BATCH_AGE);
                        n_spans += finished.spans.len();
                        batch.push(finished);
                    }
                    Some(Job::Flush(done)) => flush = Some(done),
                    None => {
                        is_over = true;
                        break;
                    }
                }
            }
            if !batch.is_empty() {
                self.send(batch, n_spans as u64).await;
            }
            if let Some(done) = flush {
                let _ = done.try_send(());
            }
        }
    }

    async fn send(&mut self, batch: Vec<Finished>, n_spans: u64) {
        let message = ExportTraceServiceRequest::of(batch, &self.instance);
        let body = Bytes::from(message.encode_to_vec());
        let mut sent = self.once(body.clone()).await;
        if matches!(sent, Err(ref refusal) if refusal.may_pass) {
            sleep(AGAIN_AFTER).await;
            sent = self.once(body).await;
        }
        match sent {
            Ok(()) => {
                self.counts.sent.fetch_add(n_spans, Ordering::Relaxed);
            }
            Err(Refusal { why, .. }) => {
                self.counts.failed.fetch_add(n_spans, Ordering::Relaxed);
                let now = Instant::now();
                if self.told.is_none_or(|told| told + TELL_EVERY <= now) {
                    self.told = Some(now);
                    tracing::warn!(why, "the collector does not take traces");
                }
            }
        }
    }

    async fn once(&self, body: Bytes) -> Result<(), Refusal> {
        let request = outbound::Request {
            method: Method::POST,
            url: &self.url,
            headers: self.headers.clone(),
            body,
            max_bytes: MAX_ANSWER,
        };
        match self.client.call(request).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(Refusal {
                why: format!("it answers {}", answer.status.as_u16()),
                // Those that the specification of OTLP names.
                may_pass: matches!(
                    answer.status,
                    StatusCode::TOO_MANY_REQUESTS
                        | StatusCode::BAD_GATEWAY
                        | StatusCode::SERVICE_UNAVAILABLE
                        | StatusCode::GATEWAY_TIMEOUT
                ),
            }),
            Err(fault) => Err(Refusal {
                why: fault.to_string(),
                may_pass: true,
            }),
        }
    }
}

/// Why a batch was not taken.
struct Refusal {
    why: String,
    /// Whether it may be taken a little later.
    may_pass: bool,
}
