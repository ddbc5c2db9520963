//! Requests and answers with holes: `{name}` in a text is filled, in JSON before it becomes text, so that no
//! value has to be escaped by hand.
//!
//! A JSON text that is one hole can do more: `{name?}` takes its member or element away where there is no
//! value, `{#name}` is a number, `{part}` a whole document, and `{*part}` in an array all of them. `{a|b}` is
//! `b` where there is no `a`, and `{*@name}` the part that the value of `name` names.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// What stays as it is in a path segment or a query value, as in the standard libraries of most clients.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What fills the holes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    texts: Vec<(String, String)>,
    parts: Vec<(String, Vec<Value>)>,
}

impl Values {
    /// Gives a name a value, in place of the one it had.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.texts.retain(|(known, _)| known != name);
        self.texts.push((name.to_owned(), value.into()));
    }

    /// Gives a name a value, if there is one.
    pub(crate) fn set_opt(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Gives a name its documents.
    pub(crate) fn set_part(&mut self, name: &str, documents: Vec<Value>) {
        self.parts.push((name.to_owned(), documents));
    }

    /// These values, with those of the names from elsewhere.
    pub(crate) fn with(mut self, other: &Values, names: &[&str]) -> Self {
        for name in names {
            self.set_opt(name, other.text(name));
        }
        self
    }

    fn text(&self, name: &str) -> Option<&str> {
        let found = self.texts.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn part(&self, name: &str) -> Option<&[Value]> {
        let found = self.parts.iter().find(|(known, _)| known == name);
        found.map(|(_, documents)| documents.as_slice())
    }

    /// The value of `a` or of `a|b`.
    fn either(&self, names: &str) -> Result<&str, String> {
        let mut names_of = names.split('|');
        names_of
            .find_map(|name| self.text(name))
            .ok_or_else(|| format!("nothing fills {{{names}}}"))
    }

    /// Fills a text as it stands.
    pub(crate) fn fill(&self, template: &str) -> Result<String, String> {
        self.fill_with(template, str::to_owned)
    }

    /// Fills a target: values are data in it, whatever characters they have.
    pub(crate) fn fill_target(&self, template: &str) -> Result<String, String> {
        self.fill_with(template, |value| {
            utf8_percent_encode(value, SEGMENT).to_string()
        })
    }

    fn fill_with(&self, template: &str, write: impl Fn(&str) -> String) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (names, after) = after
                .split_once('}')
                .ok_or_else(|| format!("a hole without an end: {template}"))?;
            out.push_str(before);
            out.push_str(&write(self.either(names)?));
            rest = after;
        }
        Ok(out + rest)
    }

    /// Fills a document; `None` if it is taken away.
    pub(crate) fn fill_json(&self, template: &Value) -> Result<Option<Value>, String> {
        match template {
            Value::String(text) => self.fill_leaf(text),
            Value::Array(elements) => self.fill_array(elements).map(Some),
            Value::Object(members) => self.fill_object(members).map(Some),
            other => Ok(Some(other.clone())),
        }
    }

    fn fill_leaf(&self, text: &str) -> Result<Option<Value>, String> {
        let hole = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
        let Some(hole) = hole.filter(|hole| !hole.contains(['{', '}'])) else {
            return self.fill(text).map(|text| Some(Value::String(text)));
        };
        if let Some(name) = hole.strip_suffix('?') {
            return Ok(self.text(name).map(Value::from));
        }
        if let Some(name) = hole.strip_prefix('#') {
            let number = self.either(name)?.parse::<i64>();
            return number
                .map(|n| Some(Value::from(n)))
                .map_err(|_| format!("{{{hole}}} is filled with no number"));
        }
        match self.part(hole) {
            Some([one]) => Ok(Some(one.clone())),
            Some(_) => Err(format!("{{{hole}}} stands for one document")),
            None => self.either(hole).map(|text| Some(Value::from(text))),
        }
    }

    fn fill_array(&self, elements: &[Value]) -> Result<Value, String> {
        let mut out = Vec::new();
        for element in elements {
            let splice = element.as_str().and_then(|text| text.strip_prefix("{*"));
            match splice.and_then(|text| text.strip_suffix('}')) {
                Some(name) => {
                    let name = match name.strip_prefix('@') {
                        Some(name) => self.either(name)?,
                        None => name,
                    };
                    let documents = self.part(name);
                    out.extend_from_slice(
                        documents.ok_or_else(|| format!("nothing fills {{*{name}}}"))?,
                    );
                }
                None => out.extend(self.fill_json(element)?),
            }
        }
        Ok(Value::Array(out))
    }

    fn fill_object(&self, members: &Map<String, Value>) -> Result<Value, String> {
        let mut out = Map::new();
        for (name, value) in members {
            if let Some(value) = self.fill_json(value)? {
                out.insert(self.fill(name)?, value);
            }
        }
        Ok(Value::Object(out))
    }
}

/// A request with holes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    /// Its method.
    pub(crate) method: String,
    /// Its target.
    pub(crate) target: String,
    /// Its headers, without those of the connection.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    /// Reads a request line, header lines, and a JSON body after a blank line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (head, body) = match text.split_once("\n\n") {
            Some((head, body)) => (head, Some(body)),
            None => (text, None),
        };
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let (method, target) = first
            .split_once(' ')
            .ok_or_else(|| format!("no request line: {first}"))?;
        let body = body.map(serde_json::from_str).transpose();
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: lines.map(header).collect::<Result<_, _>>()?,
            body: body.map_err(|error| format!("{first}: {error}"))?,
        })
    }

    /// Fills the holes, below these headers.
    pub(crate) fn fill(&self, headers: &[String], values: &Values) -> Result<Filled, String> {
        let common = headers.iter().map(|line| header(line));
        let own = self.headers.iter().cloned().map(Ok);
        let filled = common.chain(own).map(|line| {
            let (name, value) = line?;
            Ok((name, values.fill(&value)?))
        });
        let body = match &self.body {
            Some(body) => values.fill_json(body)?.map(|b| b.to_string().into_bytes()),
            None => None,
        };
        Ok(Filled {
            method: self.method.clone(),
            target: values.fill_target(&self.target)?,
            headers: filled.collect::<Result<_, String>>()?,
            body,
        })
    }

    /// Whether a value of this name is needed.
    pub(crate) fn names(&self, name: &str) -> bool {
        let hole = format!("{{{name}}}");
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        self.target.contains(&hole) || body.contains(&hole)
    }
}

/// Reads a header line.
pub(crate) fn header(line: &str) -> Result<(String, String), String> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| format!("no header: {line}"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[test]
fn holes_are_filled_and_empty_ones_go() {
    let mut values = Values::default();
    values.set("subject", "a/b \"c\" {d}");
    values.set("count", "2");
    values.set("protocol", "oidc");
    values.set_part("item", vec![Value::from(1), Value::from(2)]);
    values.set_part("oidc", vec![Value::from("x")]);
    values.set_part("one", vec![serde_json::json!({"a": 1})]);
    let template = serde_json::json!({
        "s": "{subject}", "name": "{name?}", "or": "{name|subject}", "n": "{#count}", "t": "{count} of {count}",
        "{protocol}": ["any:order", "{*item}", "{name?}", "{*@protocol}"], "one": "{one}", "plain": 7
    });
    assert_eq!(
        values.fill_json(&template).unwrap().unwrap(),
        serde_json::json!({
            "s": "a/b \"c\" {d}", "or": "a/b \"c\" {d}", "n": 2, "t": "2 of 2",
            "oidc": ["any:order", 1, 2, "x"], "one": {"a": 1}, "plain": 7
        })
    );
    for bad in ["{who}", "{#subject}", "{item}", "{", "x {who} y"] {
        assert!(values.fill_json(&Value::from(bad)).is_err(), "{bad}");
    }
    assert!(values.fill_json(&serde_json::json!(["{*nobody}"])).is_err());
}

#[test]
fn a_value_in_a_target_is_data() {
    let mut values = Values::default();
    values.set("subject", "a/b c?ü");
    values.set("key", "k");
    let request =
        Request::parse("POST /x/{subject}?y={subject}\nA: {key}\n\n{\"z\":\"{subject}\"}");
    let request = request.unwrap();
    assert!(request.names("subject") && !request.names("user"));
    let filled = request.fill(&["B: {key}".to_owned()], &values).unwrap();
    let encoded = "a%2Fb%20c%3F%C3%BC";
    assert_eq!(filled.method, "POST");
    assert_eq!(filled.target, format!("/x/{encoded}?y={encoded}"));
    let pair = |name: &str| (name.to_owned(), "k".to_owned());
    assert_eq!(filled.headers, [pair("B"), pair("A")]);
    assert_eq!(filled.body.unwrap(), r#"{"z":"a/b c?ü"}"#.as_bytes());
    assert!(Request::parse("GET").is_err() && Request::parse("GET /\nx").is_err());
}
