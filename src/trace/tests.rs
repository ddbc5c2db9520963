use super::*;

const NOW: SystemTime = UNIX_EPOCH;

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Finished>>);

impl Sink for Kept {
    fn take(&self, finished: Finished) {
        self.0.lock().unwrap().push(finished);
    }
}

fn parent(sampled: bool) -> Parent {
    Parent {
        trace: TraceId([7; 16]),
        span: SpanId([9; 8]),
        sampled,
        state: HeaderValue::from_str("a=b").ok(),
    }
}

fn tracer(one_in: u32) -> (Tracer, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let sink = Arc::clone(&kept);
    (Tracer { sink, one_in }, kept)
}

/// A request with one span, in which something is called from a task of its own.
async fn work() -> (Option<HeaderValue>, Option<HeaderValue>) {
    let outer = span(Name::Backend, Kind::Internal);
    let inner = outer.inside(async {
        let task = tokio::spawn(along(async {
            let mut inner = span(Name::Attempt, Kind::Client);
            inner.set(Key::Status, || Value::Number(502));
            inner.fail("upstream_down");
            inner.outgoing()
        }));
        task.await.unwrap()
    });
    let told = inner.await;
    (told.clone().map(|t| t.0), told.and_then(|t| t.1))
}

#[tokio::test]
async fn spans_are_within_each_other_and_handed_over_when_all_is_over() {
    let (tracer, kept) = tracer(0);
    let request = Request::begin("r".to_owned(), Some(parent(true)), Some(&tracer), NOW);
    let (told, state) = serve(Arc::clone(&request), work()).await;
    request.finish(
        vec![(Key::Status, Value::Number(502))],
        Some("upstream_down"),
    );
    assert!(kept.0.lock().unwrap().is_empty());
    drop(request);
    let all = kept.0.lock().unwrap();
    let [finished] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!((finished.trace, finished.lost), (TraceId([7; 16]), 0));
    let find = |name| finished.spans.iter().find(|s| s.name == name).unwrap();
    let (root, outer, inner) = (find(Name::Server), find(Name::Backend), find(Name::Attempt));
    assert_eq!(root.within, Some(SpanId([9; 8])));
    assert_eq!(
        (outer.within, inner.within),
        (Some(root.id), Some(outer.id))
    );
    assert!(inner.failed && root.failed && !outer.failed);
    assert!(root.start <= outer.start && outer.start <= inner.start);
    assert!(inner.end <= outer.end && outer.end <= root.end);
    let expected = format!("00-{}-{}-01", finished.trace, inner.id);
    assert_eq!(told.unwrap(), expected.as_str());
    assert_eq!(state.unwrap(), "a=b");
}

#[tokio::test]
async fn what_is_not_sampled_is_passed_on_and_not_recorded() {
    let (tracer, kept) = tracer(1);
    let request = Request::begin("r".to_owned(), Some(parent(false)), Some(&tracer), NOW);
    let (told, _) = serve(Arc::clone(&request), work()).await;
    request.finish(Vec::new(), None);
    drop(request);
    assert!(kept.0.lock().unwrap().is_empty());
    let told = told.unwrap();
    let told = told.to_str().unwrap();
    assert!(
        told.starts_with("00-07070707") && told.ends_with("-00"),
        "{told}"
    );
}

#[tokio::test]
async fn without_traces_nobody_is_told_anything() {
    let request = Request::begin("r".to_owned(), Some(parent(true)), None, NOW);
    assert_eq!(serve(Arc::clone(&request), work()).await, (None, None));
    assert_eq!(request.trace(), Some(TraceId([7; 16])));
    assert_eq!(
        Request::begin("r".to_owned(), None, None, NOW).trace(),
        None
    );
}

#[tokio::test]
async fn of_traces_that_begin_here_a_part_is_recorded() {
    let (tracer, kept) = tracer(4);
    for _ in 0..4000 {
        let request = Request::begin("r".to_owned(), None, Some(&tracer), NOW);
        request.finish(Vec::new(), None);
    }
    // Binomial: 1000 ± 27 at one sigma.
    let count = kept.0.lock().unwrap().len();
    assert!((800..1200).contains(&count), "{count}");
}

#[tokio::test]
async fn a_request_has_a_bounded_number_of_spans() {
    let (tracer, kept) = tracer(1);
    let request = Request::begin("r".to_owned(), None, Some(&tracer), NOW);
    serve(Arc::clone(&request), async {
        for _ in 0..1000 {
            drop(span(Name::Attempt, Kind::Client));
        }
    })
    .await;
    request.finish(Vec::new(), None);
    drop(request);
    let all = kept.0.lock().unwrap();
    assert_eq!(all[0].spans.len(), MAX_SPANS + 1);
    assert_eq!(all[0].lost, 1000 - MAX_SPANS as u32);
}

#[tokio::test]
async fn what_a_request_has_cost_elsewhere_adds_up() {
    let request = Request::begin("r".to_owned(), None, None, NOW);
    serve(Arc::clone(&request), async {
        note_tenant("acme");
        note_upstream("https://idp.example", Duration::from_millis(2));
        note_upstream("https://idp.example", Duration::from_millis(3));
    })
    .await;
    assert_eq!(request.tenant(), Some("acme"));
    let told = ("https://idp.example", 2, Duration::from_millis(5));
    assert_eq!(request.upstream(), Some(told));
    note_tenant("outside of any request that is nothing");
}
