//! No name and no URL leads to an address that is not allowed.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use linkbridge::outbound::{
    Answer, Client, Fault, Net, Policy, Request, Resolve, Resolved, Settings, Timeouts, Url,
};

/// A resolver that says these addresses, one list after the other, and the last one ever after.
pub(super) struct Says {
    pub(super) answers: Vec<Vec<IpAddr>>,
    pub(super) asked: AtomicUsize,
}

impl Says {
    pub(super) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let list = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: answers.iter().map(list).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Says {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolved<'a> {
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[n.min(self.answers.len() - 1)].clone();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

pub(super) fn settings(allowed: &[&str]) -> Settings {
    Settings {
        policy: Policy {
            allowed: allowed.iter().map(|net| Net::parse(net).unwrap()).collect(),
        },
        timeouts: Timeouts {
            connect: Duration::from_millis(200),
            first_byte: Duration::from_millis(400),
            total: Duration::from_millis(600),
            ..Timeouts::default()
        },
        ..Settings::default()
    }
}

pub(super) fn get(client: &Client, url: &str) -> Result<Answer, Fault> {
    let url = Url::parse(url).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = Request {
        method: Method::GET,
        url: &url,
        headers: Vec::new(),
        body: Bytes::new(),
        max_bytes: 1000,
    };
    let call = async { client.call(request).await };
    runtime.block_on(call)
}

/// A listener that says whether anybody came.
struct Trap(TcpListener);

impl Trap {
    fn new(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn is_untouched(&self) -> bool {
        matches!(self.0.accept(), Err(e) if e.kind() == ErrorKind::WouldBlock)
    }
}

#[test]
fn forbidden_addresses_are_not_connected_to_however_they_are_spelled() {
    let trap = Trap::new("127.0.0.1");
    let client = Client::new(&settings(&[])).unwrap();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[::127.0.0.1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "224.0.0.1",
        "255.255.255.255",
        // Spellings that some resolvers read as 127.0.0.1.
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1.",
    ];
    for host in hosts {
        let url = format!("http://{host}:{}/", trap.port());
        let found = get(&client, &url);
        let is_refused = matches!(
            found,
            Err(Fault::ForbiddenAddress(_) | Fault::Unresolved | Fault::TimedOut(_))
        );
        assert!(is_refused, "{host}: {found:?}");
        assert!(trap.is_untouched(), "{host}");
    }
}

#[test]
fn a_name_with_one_forbidden_address_is_not_called_at_all() {
    let trap = Trap::new("127.0.0.1");
    let answers: &[&[&str]] = &[
        &["127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["203.0.113.9"],
        &["8.8.8.8", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["2606:4700::1111", "fe80::1"],
    ];
    for answer in answers {
        let client = Client::with_resolver(&settings(&[]), Says::new(&[answer])).unwrap();
        let found = get(&client, &format!("http://names.example:{}/", trap.port()));
        assert!(
            matches!(found, Err(Fault::ForbiddenAddress(_))),
            "{answer:?}: {found:?}"
        );
        assert!(trap.is_untouched(), "{answer:?}");
    }
    let nowhere = Client::with_resolver(&settings(&[]), Says::new(&[&[]])).unwrap();
    assert_eq!(
        get(&nowhere, "http://names.example/").unwrap_err(),
        Fault::Unresolved
    );
}

/// A name that means something else when it is asked for again: what was checked is what is connected to.
#[test]
fn a_name_is_resolved_once_for_a_connection() {
    let (allowed, forbidden) = (Trap::new("127.0.0.2"), Trap::new("127.0.0.1"));
    let says = Says::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let client = Client::with_resolver(&settings(&["127.0.0.2"]), Arc::clone(&says) as _).unwrap();
    let url = format!("http://rebinds.example:{}/", allowed.port());
    assert_eq!(
        get(&client, &url).unwrap_err(),
        Fault::TimedOut("the answer")
    );
    assert!(
        !allowed.is_untouched(),
        "the checked address was connected to"
    );
    assert_eq!(says.asked.load(Ordering::SeqCst), 1);
    // The next connection asks again, and is refused.
    let url = format!("http://rebinds.example:{}/", forbidden.port());
    assert!(matches!(
        get(&client, &url),
        Err(Fault::ForbiddenAddress(_))
    ));
    assert!(forbidden.is_untouched());
}

#[test]
fn a_name_that_is_not_resolved_in_time_is_given_up() {
    struct Never;
    impl Resolve for Never {
        fn resolve<'a>(&'a self, _: &'a str) -> Resolved<'a> {
            Box::pin(std::future::pending())
        }
    }
    let mut settings = settings(&[]);
    settings.timeouts.resolve = Duration::from_millis(50);
    let client = Client::with_resolver(&settings, Arc::new(Never)).unwrap();
    let found = get(&client, "http://slow.example/");
    assert_eq!(found.unwrap_err(), Fault::TimedOut("resolving the name"));
}
