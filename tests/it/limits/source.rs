//! The limit of a source address: whatever is answered, it was a request.

use super::super::support::client::Client;
use super::{KEYS, ask, serve};

#[test]
fn what_leads_to_no_operation_counts_for_its_source_too() {
    // Settling the server takes some of it, whatever comes here takes the rest; it does not come back meanwhile.
    let of_source = "source_rate = \"1/h burst 40\"\n";
    for (method, target) in [
        ("GET", "/no/such/route"),
        ("POST", "/linkbridge/v1/providers"),
        ("GET", "/linkbridge/v1/%2e%2e/providers"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let server = serve(dir.path(), of_source, "", &[]);
        let status = |method: &str, target: &str| {
            let mut client = Client::new(server.addr);
            client.send(method, target, &[], None).unwrap().status
        };
        let first = status(method, target);
        assert!([400, 404, 405].contains(&first), "{first}");
        let met: Vec<u16> = (0..60).map(|_| status(method, target)).collect();
        assert_eq!(met.last(), Some(&429), "{method} {target}: {met:?}");
        // Which of them it was makes no difference.
        assert_eq!(ask(&mut Client::new(server.addr), KEYS[0]).status, 429);
    }
}
