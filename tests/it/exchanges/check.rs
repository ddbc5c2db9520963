//! What can be said of a case without a server: files of a dialect that is not built in yet are held to it, too.

use std::net::SocketAddr;

use super::super::support::fixtures::placeholders;
use super::case::{Case, Step, fill};
use super::{free, given, payload};

/// Whether a case could be run: every placeholder has a value by then, every expected answer can be compared.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn check(case: &Case, vendor: &str) -> Result<(), String> {
    let mut values = placeholders(vendor, SocketAddr::from(([127, 0, 0, 1], 1)));
    let given = given::all(case, vendor, &values)?;
    if case.profile.conflict && !given.is_empty() {
        return Err("nothing can be given where every operation meets a write race".to_owned());
    }
    for name in given.iter().filter_map(given::Given::placeholder) {
        bind(name, &mut values)?;
    }
    for step in &case.steps {
        check_step(step, &mut values).map_err(|error| format!("step `{}`: {error}", step.title))?;
    }
    Ok(())
}

fn check_step(step: &Step, values: &mut Vec<(String, String)>) -> Result<(), String> {
    let sent = step.headers.iter().map(|(_, value)| value);
    for text in sent.chain([&step.target]) {
        fill(text, values)?;
    }
    if let Some(body) = &step.body {
        payload::bytes(&payload::fill_body(body, values)?)?;
    }
    for name in step.names()? {
        bind(name, values)?;
    }
    for (_, value) in &step.expected_headers {
        fill(value, values)?;
    }
    if let Some(body) = &step.expected_body {
        payload::expected(&payload::fill_body(body, values)?)?;
    }
    Ok(())
}

/// A placeholder has one value; which one is not known here, but it must do as a number and in a text.
fn bind(name: String, values: &mut Vec<(String, String)>) -> Result<(), String> {
    if values.iter().any(|(known, _)| *known == name) {
        return Err(format!("{{{name}}} has a value already"));
    }
    values.push((name, "0".to_owned()));
    Ok(())
}

impl Step {
    /// The placeholders that the answer gives a value, each once.
    pub(crate) fn names(&self) -> Result<Vec<String>, String> {
        let declared = self.free_values().into_iter().map(free::declared);
        let names = declared.collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(names.flatten().map(str::to_owned).collect())
    }
}

#[test]
fn a_case_that_cannot_be_run_is_found_out_without_running_it() {
    let good = "# extra\n# mark D\n# source s\n# given: link {\"user\":\"{A}\",\"provider\":\"{S}\",\"subject\":\"s\"}\n\n\
        ### first\nGET /x/{A}\nAuthorization: Bearer {K}\n\nHTTP/1.1 200 OK\nLocation: any:string as LOC\n\n\
        {\"id\":\"any:uuid as L1\",\"href\":\"{ORIGIN}/{L1}\",\"n\":1}\n\n\
        ### second\nGET {LOC}?id={L1}\n\nHTTP/1.1 404\n";
    let checked = |text: &str| check(&Case::parse(text).unwrap(), "ory");
    assert_eq!(checked(good), Ok(()));
    for (from, to, holds) in [
        ("/x/{A}", "/x/{E}", "unknown placeholder {E}"),
        ("Bearer {K}", "Bearer {X}", "unknown placeholder {X}"),
        (
            "any:string as LOC",
            "any:string",
            "unknown placeholder {LOC}",
        ),
        (
            "any:string as LOC",
            "any:str as LOC",
            "no free value `any:str`",
        ),
        ("any:uuid as L1", "any:uuid as A", "{A} has a value already"),
        (
            "any:uuid as L1",
            "any:uuid as LOC",
            "{LOC} has a value already",
        ),
        ("\"n\":1}", "\"n\":1", "no JSON"),
        ("/x/{A}", "/x/{L1}", "unknown placeholder {L1}"),
        ("\"subject\"", "\"account\"", "`subject` is missing"),
        ("{S}", "{SAML}", "unknown placeholder {SAML}"),
        (
            "# extra\n",
            "# extra\n# setup: backend=conflict\n",
            "nothing can be given",
        ),
    ] {
        let broken = good.replace(from, to);
        assert_ne!(broken, good, "{from} is not there");
        let error = checked(&broken).unwrap_err();
        assert!(error.contains(holds), "{error}\ndoes not hold {holds}");
    }
    assert!(
        check(&Case::parse(good).unwrap(), "fusionauth").is_err(),
        "it has no {{S}}"
    );
}
