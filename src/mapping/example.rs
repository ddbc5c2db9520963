//! Examples: exchanges in HTTP form beside the records that they mean. `check` replays them in both
//! directions.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::json;
use super::plan::Origin;
use crate::finding::{Noted, Table, Text};
use crate::model::{OwnedRequest, Record, Response};

/// One example of an op or of an error row.
#[derive(Debug)]
pub struct Example {
    /// The request; for an error row the one that is answered, if that matters.
    pub request: Option<OwnedRequest>,
    /// The response.
    pub response: Option<Response>,
    /// What the request means.
    pub params: Option<Record>,
    /// The problems of a request that is refused, as records.
    pub problems: Option<Vec<Record>>,
    /// What the response means.
    pub result: Option<Record>,
    /// The failure that an error row words.
    pub failure: Option<Record>,
    /// The op whose answer an error row is, by name.
    pub op: Option<String>,
    /// The front's public URL.
    pub url: String,
    /// Switches that are not at their default.
    pub options: Vec<(String, String)>,
    /// Where it stands.
    pub origin: Origin,
}

/// Reads every `[[….example]]` of an op or an error row.
pub(super) fn read_all(table: &Table<'_>) -> Vec<Example> {
    table
        .tables("example")
        .into_iter()
        .filter_map(read)
        .collect()
}

fn read(table: Table<'_>) -> Option<Example> {
    let request = table
        .text("request")
        .map(|text| parsed(&table, &text, parse_request));
    let response = table
        .text("response")
        .map(|text| parsed(&table, &text, parse_response));
    let params = record(&table, "params");
    let result = record(&table, "result");
    let failure = record(&table, "failure");
    let problems = table
        .text("problems")
        .map(|text| parsed(&table, &text, parse_records));
    let options = table.table("options").map(|options| {
        let pairs = options.entries().filter_map(|(key, value)| {
            Some((key.value.into_owned(), value.get_ref().as_str()?.to_owned()))
        });
        pairs.collect()
    });
    let example = Example {
        request: request.transpose().ok()?,
        response: response.transpose().ok()?,
        params: params.ok()?,
        problems: problems.transpose().ok()?,
        result: result.ok()?,
        failure: failure.ok()?,
        op: table.text("op").map(|t| t.value.into_owned()),
        url: table
            .text("origin")
            .map_or_else(String::new, |t| t.value.into_owned()),
        options: options.unwrap_or_default(),
        origin: Origin {
            source: Arc::clone(table.sink().source()),
            span: table.span(),
        },
    };
    table.finish();
    Some(example)
}

/// Turns a parser's complaint into a finding at the text.
fn parsed<T>(
    table: &Table<'_>,
    text: &Text<'_>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Noted> {
    parse(&text.value).map_err(|fault| {
        table.sink().error(
            "LB400",
            text.span.clone(),
            format!("this example cannot be read: {fault}"),
        );
        Noted
    })
}

fn record(table: &Table<'_>, key: &'static str) -> Result<Option<Record>, Noted> {
    table
        .text(key)
        .map(|text| parsed(table, &text, parse_record))
        .transpose()
}

fn parse_record(text: &str) -> Result<Record, String> {
    let value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    json::record(&value)
}

fn parse_records(text: &str) -> Result<Vec<Record>, String> {
    let value: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    value.iter().map(json::record).collect()
}

/// Reads `POST /path?query`, header lines, an empty line and a body. White space around is ignored.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_request(text: &str) -> Result<OwnedRequest, String> {
    let (head, body) = split_head(text);
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default();
    let (method, target) = line
        .split_once(' ')
        .ok_or("the first line is METHOD and target")?;
    let target = target.trim().trim_end_matches(" HTTP/1.1");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !path.starts_with('/') {
        return Err("the target, which is the second word, does not start with `/`".to_owned());
    }
    Ok(OwnedRequest {
        method: method.parse::<Method>().map_err(|e| e.to_string())?,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers(lines)?,
        body: body.as_bytes().to_vec(),
    })
}

/// Reads a status, header lines, an empty line and a body.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_response(text: &str) -> Result<Response, String> {
    let (head, body) = split_head(text);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default().trim();
    let status = status.parse().ok().filter(|s| (100..600).contains(s));
    let status = status.ok_or("the first line is the status, a number of three digits")?;
    Ok(Response {
        status,
        headers: headers(lines)?,
        body: body.as_bytes().to_vec(),
    })
}

fn split_head(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once("\n\n") {
        Some((head, body)) => (head, body.trim()),
        None => (text, ""),
    }
}

fn headers<'t>(lines: impl Iterator<Item = &'t str>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (place, line) in lines.enumerate() {
        let (name, value) =
            header_line(line).map_err(|fault| format!("header line {}: {fault}", place + 1))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Reads `Name: value`. What is wrong is told without the line: it may be a credential.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn header_line(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = line
        .split_once(':')
        .ok_or("it has no colon: a header line is `Name: value`")?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| "what is before the colon is no name of a header")?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| "what is behind the colon is no value of a header")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_in_http_form_is_read() {
        let request = parse_request("\nPOST /a/b?c=d\nX-One: 1\n\n{}\n").unwrap();
        assert_eq!(
            (
                request.method.as_str(),
                request.path.as_str(),
                request.query.as_str()
            ),
            ("POST", "/a/b", "c=d")
        );
        assert_eq!(request.headers["x-one"], "1");
        assert_eq!(request.body, b"{}");
    }

    #[test]
    fn what_is_no_exchange_is_refused_with_a_reason() {
        assert_eq!(
            parse_response("2000").unwrap_err(),
            "the first line is the status, a number of three digits"
        );
        assert_eq!(
            parse_request("GET").unwrap_err(),
            "the first line is METHOD and target"
        );
        assert!(parse_request("GET x").is_err() && parse_request("GET /\nnoheader").is_err());
    }
}
