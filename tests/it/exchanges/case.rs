//! Reads a case file; `tests/exchanges/README.md` describes its form.

use super::super::support::config::Profile;

/// One file: what is there before, and the steps.
#[derive(Debug, Default)]
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
    /// Whether it goes over HTTP/2.
    pub(crate) http2: bool,
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
        let mut case = Self::default();
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

impl Step {
    /// Every free value that the expected answer declares, as it is written there.
    pub(crate) fn free_values(&self) -> Vec<&str> {
        let headers = self
            .expected_headers
            .iter()
            .map(|(_, value)| value.as_str());
        let bodies = self.expected_body.as_deref().into_iter();
        let mut all: Vec<_> = headers
            .chain(bodies.clone())
            .filter(|text| text.starts_with("any:"))
            .collect();
        for body in bodies {
            let quoted = body.match_indices("\"any:").map(|(at, _)| &body[at + 1..]);
            let quoted = quoted.filter_map(|text| text.split('"').next());
            all.extend(quoted.filter(|text| !matches!(*text, "any:members" | "any:order")));
        }
        all.retain(|text| *text != "any:body");
        all
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    let mut profile = Profile::default();
    for setting in text.split('|').map(str::trim) {
        let unknown = || format!("unknown setup: {setting}");
        let (name, value) = setting.split_once('=').ok_or_else(unknown)?;
        let number = || value.parse().map_err(|_| format!("no number: {setting}"));
        match (name, value) {
            ("tenants", "1") => profile.two_tenants = false,
            ("tenants", "2") => profile.two_tenants = true,
            ("users", "open") => profile.open_users = true,
            ("providers", "none") => profile.no_providers = true,
            ("limit", _) => profile.limit = Some(number()?),
            ("rate", _) => profile.rate = Some(number()?),
            ("backend", "conflict") => profile.conflict = true,
            ("anonymous", dialect) => profile.anonymous.push(dialect.to_owned()),
            _ => {
                let option = name.strip_prefix("option.").ok_or_else(unknown)?;
                let (dialect, option) = option.split_once('.').ok_or_else(unknown)?;
                let option = (dialect.to_owned(), option.to_owned(), value.to_owned());
                profile.options.push(option);
            }
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
    let over = target.strip_suffix(" HTTP/2");
    step.http2 = over.is_some();
    (step.method, step.target) = (method.to_owned(), over.unwrap_or(target).to_owned());
    let version = if step.http2 { "HTTP/2 " } else { "HTTP/1.1 " };
    step.headers = headers(&mut lines)?;
    let mut body = Vec::new();
    let status = loop {
        let line = lines
            .next()
            .ok_or_else(|| format!("no expected answer in step: {}", step.title))?;
        match line.strip_prefix(version) {
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
