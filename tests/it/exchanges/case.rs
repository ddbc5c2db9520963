//! Reads a case file; `tests/exchanges/README.md` describes its form.

use super::super::support::config::Profile;

/// One file: what is there before, and the steps.
#[derive(Debug)]
pub(crate) struct Case {
    /// The golden case, if it is one.
    pub(crate) number: Option<u32>,
    /// The server's configuration.
    pub(crate) profile: Profile,
    /// Preconditions in order: kind, and JSON text with placeholders.
    pub(crate) given: Vec<(String, String)>,
    /// Requests with what they must be answered.
    pub(crate) steps: Vec<Step>,
}

/// One request and the expected answer; placeholders are still in it.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// What it shows.
    pub(crate) title: String,
    /// Method.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Request headers.
    pub(crate) headers: Vec<(String, String)>,
    /// Request body.
    pub(crate) body: Option<String>,
    /// Expected status.
    pub(crate) status: u16,
    /// Expected headers beyond those of the dialect.
    pub(crate) expected_headers: Vec<(String, String)>,
    /// Expected body.
    pub(crate) expected_body: Option<String>,
}

impl Case {
    /// Reads the text of a file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split("\n### ");
        let head = parts.next().unwrap_or_default();
        let mut case = Self {
            number: None,
            profile: Profile::default(),
            given: Vec::new(),
            steps: Vec::new(),
        };
        let mut named = Vec::new();
        for line in head.lines().filter(|line| !line.trim().is_empty()) {
            let line = line
                .strip_prefix("# ")
                .ok_or_else(|| format!("not a header line: {line}"))?;
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            named.push(key.to_owned());
            match key {
                "case" => {
                    case.number = Some(
                        value
                            .parse()
                            .map_err(|_| format!("not a case number: {value}"))?,
                    )
                }
                "extra" | "mark" | "source" | "note" => {}
                "setup:" => case.profile = profile(value)?,
                "given:" => {
                    let (kind, json) = value
                        .split_once(' ')
                        .ok_or_else(|| format!("given what? {value}"))?;
                    case.given.push((kind.to_owned(), json.to_owned()));
                }
                _ => return Err(format!("unknown header line: # {line}")),
            }
        }
        let has = |key: &str| named.iter().any(|k| k == key);
        if has("case") == has("extra") || !has("mark") || !has("source") {
            return Err("needs `# case N` or `# extra`, `# mark` and `# source`".to_owned());
        }
        for part in parts {
            case.steps.push(step(part)?);
        }
        if case.steps.is_empty() {
            return Err("a case without a step shows nothing".to_owned());
        }
        Ok(case)
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    let mut profile = Profile::default();
    for setting in text.split('|').map(str::trim) {
        match setting.split_once('=') {
            Some(("tenants", "1")) => profile.two_tenants = false,
            Some(("tenants", "2")) => profile.two_tenants = true,
            Some(("limit", n)) => {
                profile.limit = Some(n.parse().map_err(|_| format!("no limit: {n}"))?)
            }
            Some(("backend", "conflict")) => profile.conflict = true,
            _ => return Err(format!("unknown setup: {setting}")),
        }
    }
    Ok(profile)
}

fn step(text: &str) -> Result<Step, String> {
    let mut lines = text.lines();
    let mut step = Step {
        title: lines.next().unwrap_or_default().trim().to_owned(),
        ..Step::default()
    };
    let request = lines.next().unwrap_or_default();
    let (method, target) = request
        .split_once(' ')
        .ok_or_else(|| format!("no request line: {request}"))?;
    (step.method, step.target) = (method.to_owned(), target.to_owned());
    step.headers = headers(&mut lines)?;
    let mut body = Vec::new();
    let status = loop {
        let line = lines
            .next()
            .ok_or_else(|| format!("no expected answer in step: {}", step.title))?;
        match line.strip_prefix("HTTP/1.1 ") {
            Some(status) => break status,
            None => body.push(line),
        }
    };
    step.body = block(&body);
    let code = status.split(' ').next().unwrap_or_default();
    step.status = code.parse().map_err(|_| format!("no status: {status}"))?;
    step.expected_headers = headers(&mut lines)?;
    step.expected_body = block(&lines.collect::<Vec<_>>());
    Ok(step)
}

/// Header lines up to the blank line or the end.
fn headers<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<(String, String)>, String> {
    lines
        .take_while(|line| !line.trim().is_empty())
        .map(|line| {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| format!("no header: {line}"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// Lines without the blank ones around them.
fn block(lines: &[&str]) -> Option<String> {
    let text = lines.join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Puts values in place of `{NAME}`. Other braces are JSON and stay.
pub(crate) fn fill(text: &str, values: &[(String, String)]) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let name_end = rest[1..]
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map_or(rest.len(), |n| n + 1);
        let name = &rest[1..name_end];
        if name.is_empty() || !rest[name_end..].starts_with('}') {
            out.push('{');
            rest = &rest[1..];
            continue;
        }
        let (_, value) = values
            .iter()
            .find(|(n, _)| n == name)
            .ok_or_else(|| format!("unknown placeholder {{{name}}}"))?;
        out.push_str(value);
        rest = &rest[name_end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[test]
fn a_file_is_read_as_it_is_meant() {
    let text = "# case 13\n# mark D\n# source section 2\n# setup: tenants=2 | limit=3\n# given: link {\"user\":\"{A}\"}\n\n\
                ### first\nPOST /x?a=b\nAuthorization: {K}\n\n{\"a\":\n1}\n\nHTTP/1.1 200 OK\nX-A: absent\n\n{}\n\n\
                ### second\nGET /y\n\nHTTP/1.1 404\n";
    let case = Case::parse(text).unwrap();
    assert_eq!(case.number, Some(13));
    assert_eq!(
        case.profile,
        Profile {
            two_tenants: true,
            limit: Some(3),
            conflict: false
        }
    );
    assert_eq!(
        case.given,
        [("link".to_owned(), "{\"user\":\"{A}\"}".to_owned())]
    );
    let [first, second] = case.steps.as_slice() else {
        panic!("not two steps: {case:?}")
    };
    assert_eq!(
        (
            first.title.as_str(),
            first.method.as_str(),
            first.target.as_str()
        ),
        ("first", "POST", "/x?a=b")
    );
    assert_eq!(
        first.headers,
        [("Authorization".to_owned(), "{K}".to_owned())]
    );
    assert_eq!(first.body.as_deref(), Some("{\"a\":\n1}"));
    assert_eq!(
        (first.status, first.expected_body.as_deref()),
        (200, Some("{}"))
    );
    assert_eq!(
        first.expected_headers,
        [("X-A".to_owned(), "absent".to_owned())]
    );
    assert_eq!(
        (second.status, &second.body, &second.expected_body),
        (404, &None, &None)
    );
}

#[test]
fn a_file_that_is_not_one_is_refused() {
    let good = "# extra\n# mark D\n# source s\n\n### t\nGET /\n\nHTTP/1.1 200\n";
    assert!(Case::parse(good).is_ok());
    for (from, to) in [
        ("# extra\n", ""),
        ("# mark D\n", ""),
        ("# source s", "# sauce s"),
        ("HTTP/1.1 200\n", ""),
    ] {
        assert!(
            Case::parse(&good.replace(from, to)).is_err(),
            "accepted without {from}"
        );
    }
    assert!(
        Case::parse("# extra\n# mark D\n# source s\n").is_err(),
        "accepted without a step"
    );
    assert!(
        Case::parse(&good.replace("# mark", "# setup: tenants=9\n# mark")).is_err(),
        "accepted a setup"
    );
}

#[test]
fn placeholders_are_filled_and_unknown_ones_refused() {
    let values = [("A".to_owned(), "1".to_owned())];
    assert_eq!(
        fill("{\"x\":{\"y\":\"{A}\"},\"z\":{}}", &values).unwrap(),
        "{\"x\":{\"y\":\"1\"},\"z\":{}}"
    );
    assert!(fill("{B}", &values).is_err());
}
