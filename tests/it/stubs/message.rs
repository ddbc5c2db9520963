//! What stubs are asked and what they answer.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as it arrived, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: String,
    /// The path as it stood on the wire.
    pub(crate) path: String,
    /// Names and values of the query, decoded as forms are.
    pub(crate) query: Vec<(String, String)>,
    /// Header names, in lower case, with their values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let found = all.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter of the query.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter();
        let found = all.find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter of the query.
    pub(crate) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.query.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The segments of the path, each decoded after the path was split.
    pub(crate) fn segments(&self) -> Vec<String> {
        let raw = self.path.trim_start_matches('/').split('/');
        raw.map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The body as JSON; `None` if it is none.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Names and values of a body that is a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> Option<&str> {
        let value = self.header("content-type")?;
        value.split(';').next().map(str::trim)
    }

    /// The credential after this scheme, whose case does not matter.
    pub(crate) fn credential(&self, scheme: &str) -> Option<&str> {
        let (given, rest) = self.header("authorization")?.split_once(' ')?;
        given.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// Method and target in one line, for messages.
    pub(crate) fn line(&self) -> String {
        let pairs = self.query.iter().map(|(n, v)| format!("{n}={v}"));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{query}", self.method, self.path)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Headers besides the length.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A JSON document, as `application/json`.
    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::json_as(status, "application/json", &value)
    }

    /// A JSON document of this media type.
    pub(crate) fn json_as(status: u16, media_type: &str, value: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), media_type.to_owned())],
            body: value.to_string().into_bytes(),
        }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
