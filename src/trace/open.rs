//! Spans that are open.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;

use super::{HERE, Here, Key, Kind, Name, Request, Span, SpanId, Value, random};

/// A span that is open; it ends when it is dropped. Without a request that is recorded it is nothing.
#[derive(Debug)]
pub struct Open(Option<Recording>);

#[derive(Debug)]
struct Recording {
    request: Arc<Request>,
    span: Span,
}

/// Begins a span within the one that is open here. Others are not within it; see [`Open::inside`].
#[must_use]
pub fn span(name: Name, kind: Kind) -> Open {
    let open = HERE.try_with(|here| {
        let request = &here.request;
        if !request.is_recorded() {
            return None;
        }
        let start = request.nanos(Instant::now());
        let span = Span {
            id: SpanId(random()?),
            within: Some(here.within),
            name,
            kind,
            start,
            end: start,
            attributes: Vec::new(),
            failed: false,
        };
        let request = Arc::clone(request);
        Some(Recording { request, span })
    });
    Open(open.ok().flatten())
}

impl Open {
    /// Adds an attribute.
    pub fn set(&mut self, key: Key, value: impl FnOnce() -> Value) {
        if let Some(recording) = &mut self.0 {
            recording.span.attributes.push((key, value()));
        }
    }

    /// Says that it has failed, and with what kind of error.
    pub fn fail(&mut self, kind: &'static str) {
        if let Some(recording) = &mut self.0 {
            recording.span.failed = true;
        }
        self.set(Key::ErrorType, || Value::Word(kind));
    }

    /// Does something that other spans are within.
    pub async fn inside<F: Future>(&self, work: F) -> F::Output {
        match &self.0 {
            Some(recording) => {
                let here = Here {
                    request: Arc::clone(&recording.request),
                    within: recording.span.id,
                };
                HERE.scope(here, work).await
            }
            None => work.await,
        }
    }

    /// What a call within this span says of it: `traceparent`, and `tracestate` if there is one. Whoever is
    /// called is told of the trace also where nothing is recorded; nobody is, where traces are off.
    #[must_use]
    pub fn outgoing(&self) -> Option<(HeaderValue, Option<HeaderValue>)> {
        let told = HERE.try_with(|here| {
            let request = &here.request;
            request.sink.as_ref()?;
            let trace = request.trace?;
            let span = match &self.0 {
                Some(recording) => recording.span.id,
                None => here.within,
            };
            let flags = u8::from(request.sampled);
            let parent = HeaderValue::try_from(format!("00-{trace}-{span}-{flags:02x}")).ok()?;
            Some((parent, request.state.clone()))
        });
        told.ok().flatten()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(Recording { request, mut span }) = self.0.take() {
            span.end = request.nanos(Instant::now());
            request.keep(span);
        }
    }
}
