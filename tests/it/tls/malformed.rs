//! Handshakes and records that were changed on their way: each connection ends, and the server goes on.
//!
//! `LINKBRIDGE_TLS_ROUNDS` sets the rounds (default 300), `LINKBRIDGE_TLS_SEED` repeats a run.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, version};

use super::super::support::random::{Random, number, seed};
use super::{FIRST, Served};

/// Longer than any deadline of the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is changed: the hello, what the client says next (the end of its handshake), or its request.
const FLIGHTS: u64 = 3;

fn client(served: &Served, older: bool) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(&served.authority).unwrap();
    roots.add(root).unwrap();
    let only = if older {
        &version::TLS12
    } else {
        &version::TLS13
    };
    let config = ClientConfig::builder_with_protocol_versions(&[only])
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), FIRST.try_into().unwrap()).unwrap()
}

/// Changes bytes in one of several ways.
fn mangle(bytes: &mut Vec<u8>, random: &mut Random) -> &'static str {
    let at = random.index(bytes.len());
    match random.between(0, 6) {
        0 => {
            bytes[at] ^= 1 << random.between(0, 7);
            "a bit is turned"
        }
        1 => {
            for _ in 0..random.between(2, 20) {
                let at = random.index(bytes.len());
                bytes[at] = random.next() as u8;
            }
            "bytes are others"
        }
        2 => {
            bytes.truncate(at);
            "the end is missing"
        }
        3 => {
            bytes.drain(..at);
            "the beginning is missing"
        }
        4 => {
            let noise: Vec<u8> = (0..random.between(1, 2000))
                .map(|_| random.next() as u8)
                .collect();
            bytes.splice(at..at, noise);
            "noise is within"
        }
        5 => {
            let twice = bytes.clone();
            bytes.splice(at..at, twice);
            "all of it is there twice"
        }
        _ => {
            // The length of the first record.
            bytes.truncate(bytes.len().max(5));
            if let [_, _, _, high, low, ..] = &mut bytes[..] {
                [*high, *low] = (random.next() as u16).to_be_bytes();
            }
            "the first record has another length"
        }
    }
}

/// Speaks until the flight that is changed, then waits for the end.
fn attempt(served: &Served, random: &mut Random) -> Result<(), String> {
    let older = random.next().is_multiple_of(2);
    let victim = random.between(0, FLIGHTS - 1);
    let mut tls = client(served, older);
    let mut stream = TcpStream::connect(served.addr).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for flight in 0..FLIGHTS {
        if flight + 1 == FLIGHTS {
            let request = format!("GET / HTTP/1.1\r\nHost: {FIRST}\r\n\r\n");
            tls.writer().write_all(request.as_bytes()).unwrap();
        }
        let mut bytes = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut bytes).unwrap();
        }
        let changed = (flight == victim).then(|| mangle(&mut bytes, random));
        let sent = stream.write_all(&bytes);
        if let Some(changed) = changed {
            let _ = stream.shutdown(Shutdown::Write);
            return ends(&mut stream)
                .map_err(|error| format!("{changed} in flight {flight}: {error}"));
        }
        sent.map_err(|e| e.to_string())?;
        while tls.is_handshaking() && !tls.wants_write() {
            let n = tls.read_tls(&mut stream).map_err(|e| e.to_string())?;
            tls.process_new_packets().map_err(|e| e.to_string())?;
            if n == 0 {
                return Err("closed before anything was changed".to_owned());
            }
        }
    }
    Ok(())
}

/// Waits for the end of a connection, whichever way it comes.
fn ends(stream: &mut TcpStream) -> Result<(), String> {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(format!("it did not end: {error}")),
    }
}

#[test]
fn changed_handshakes_and_records_end_their_connection_and_nothing_else() {
    let mut served = Served::start();
    let seed = seed("LINKBRIDGE_TLS_SEED");
    eprintln!("LINKBRIDGE_TLS_SEED={seed}");
    let mut random = Random::new(seed);
    for round in 0..number("LINKBRIDGE_TLS_ROUNDS").unwrap_or(300) {
        if let Err(error) = attempt(&served, &mut random) {
            panic!("round {round}: {error}");
        }
    }
    assert!(served.server.lives());
    let log = served.server.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    let mut tls = client(&served, false);
    let mut stream = TcpStream::connect(served.addr).unwrap();
    tls.complete_io(&mut stream).unwrap();
    assert!(!tls.is_handshaking());
}
