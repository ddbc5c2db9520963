//! Ids and texts that no client should send, in every place of every operation that has one: each a clear answer in
//! the vendor's form, and never a fault of ours.

use super::super::support::config::Profile;
use super::super::support::fixtures::{Q, Z};
use super::super::support::server::Server;
use super::bad_input::Judge;
use super::clients::CLIENTS;
use super::facts::Fact;
use super::isolation::cases::CASES;
use super::speaker::Speaker;
use super::template::Values;

/// What stands in a place in turn.
fn odd_texts() -> Vec<String> {
    let few = [
        "",
        "\0",
        "a\0b",
        " x",
        "x ",
        "\t",
        "\n",
        "\r\nX-More: 1",
        ".",
        "..",
        "/",
        "\\",
        "%",
        "%2F",
        "%00",
        "a:b:c",
        ":",
        ",",
        "a,b",
        "'",
        "\"",
        "`",
        "<script>",
        "{x}",
        "$",
        "-1",
        "0",
        "99999999999999999999999999",
        "1e9",
        "NaN",
        "null",
        "undefined",
        "true",
        "[]",
        "{}",
        "1-2-3-4-5",
        "00000000-0000-0000-0000-000000000000",
        "\u{feff}x",
        "\u{202e}x",
        "\u{fffd}",
        "İß",
        "ſ",
        "\u{1d11e}",
        "e\u{301}",
    ];
    let long = [
        ("x", 201),
        ("x", 1025),
        ("x", 5000),
        ("😀", 300),
        ("\0", 300),
    ];
    let long = long.map(|(text, n)| text.repeat(n));
    // One id in forms that some readers of UUIDs take for the same.
    let forms = [
        Z.to_uppercase(),
        format!("{{{Z}}}"),
        format!("urn:uuid:{Z}"),
        Z.replace('-', ""),
    ];
    let few = few.map(str::to_owned).into_iter();
    few.chain(long).chain(forms).collect()
}

/// What every place holds that is not odd.
fn even(fact: &Fact, vendor: &str) -> Values {
    let mut values = fact.values(vendor);
    values.set("key", Q);
    values.set("account", "even");
    values.set("link", Z);
    values.set("pending", "none");
    values.set("username", "nobody");
    values.set("domain", "nowhere.example");
    values.set("vendor_id", "none");
    values
}

#[test]
fn no_text_in_the_place_of_an_id_is_too_odd() {
    let server = Server::start(&Profile::default()).unwrap();
    super::settle(server.addr, false);
    let (mut asked, mut wrong) = (0, Vec::new());
    for client in CLIENTS.iter() {
        let judge = Judge::new(&client.dialect);
        let mut speaker = Speaker::new(client, server.addr, Q);
        for case in CASES.iter().filter(|case| case.dialect == client.dialect) {
            // Of B, whom other requests leave alone; whoever is deleted here is made known again.
            super::settle(server.addr, false);
            for hole in case.holes() {
                for odd in odd_texts() {
                    let mut values = even(&Fact::new("B", "P", "even"), &client.vendor);
                    values.set(hole, &*odd);
                    let answer = speaker.ask_with(&case.request, &values);
                    asked += 1;
                    let found = match answer.status {
                        200..300 => Vec::new(),
                        400..500 => judge.misshapen(&answer),
                        _ => vec!["neither done nor refused".to_owned()],
                    };
                    let what = format!("{} {}, {hole} is {odd:.40?}", case.dialect, case.op);
                    let said = format!("{} {:.300}", answer.status, answer.text());
                    wrong.extend(found.into_iter().map(|f| format!("{what}: {f}: {said}")));
                }
            }
        }
    }
    let log = server.log();
    wrong.extend(
        log.lines()
            .filter(|l| l.contains("panicked"))
            .map(str::to_owned),
    );
    assert!(
        wrong.is_empty(),
        "{} of {asked}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(60)].join("\n")
    );
    eprintln!("odd ids: {asked} requests");
}
