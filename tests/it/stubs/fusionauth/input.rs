//! How FusionAuth reads queries and bodies, and words what is wrong with them.

use serde_json::{Map, Value, json};

use super::super::{Answer, Request};

/// What is wrong with a request, by field and in general.
#[derive(Default)]
pub(super) struct Errors {
    fields: Map<String, Value>,
    general: Vec<Value>,
}

impl Errors {
    pub(super) fn general(code: &str) -> Self {
        Self {
            general: vec![error(code)],
            ..Self::default()
        }
    }

    /// A field with its code: `[kind]` and the field, but for `[invalidJSON]`, which stands alone.
    pub(super) fn field(kind: &str, field: &str) -> Self {
        let mut errors = Self::default();
        errors.add(kind, field);
        errors
    }

    pub(super) fn add(&mut self, kind: &str, field: &str) {
        let code = match kind {
            "invalidJSON" => "[invalidJSON]".to_owned(),
            _ => format!("[{kind}]{field}"),
        };
        let list = self.fields.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(error(&code));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.general.is_empty()
    }

    pub(super) fn answer(self) -> Answer {
        self.answer_with(400)
    }

    pub(super) fn answer_with(self, status: u16) -> Answer {
        let body = json!({ "fieldErrors": self.fields, "generalErrors": self.general });
        super::json(status, &body)
    }
}

/// Texts vary from version to version: only codes count.
fn error(code: &str) -> Value {
    json!({ "code": code, "message": format!("Refused as {code} says.") })
}

/// The query of a link operation.
#[derive(Default)]
pub(super) struct Query {
    pub(super) provider: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) user: Option<String>,
}

impl Query {
    pub(super) fn of(request: &Request) -> Result<Self, Answer> {
        let mut errors = Errors::default();
        let provider = uuid(request, "identityProviderId", &mut errors)?;
        let user = uuid(request, "userId", &mut errors)?;
        // A text that is given twice is joined; a blank one is absent.
        let subject: Vec<_> = request.params("identityProviderUserId").collect();
        let subject = Some(subject.join(",")).filter(|subject| !subject.is_empty());
        match errors.is_empty() {
            true => Ok(Self {
                provider,
                subject,
                user,
            }),
            false => Err(errors.answer()),
        }
    }
}

/// A parameter that is an id. Blank is absent; given twice, it makes the vendor fail.
pub(super) fn uuid(
    request: &Request,
    name: &str,
    errors: &mut Errors,
) -> Result<Option<String>, Answer> {
    let given: Vec<_> = request.params(name).collect();
    match given[..] {
        [] | [""] => Ok(None),
        [text] => {
            let id = lenient(text);
            if id.is_none() {
                errors.add("couldNotConvert", name);
            }
            Ok(id)
        }
        _ => Err(Errors::general("[Exception]").answer_with(500)),
    }
}

/// An id as Java reads it: short groups, upper case, and a number as the lower half.
fn lenient(text: &str) -> Option<String> {
    if let Ok(number) = text.parse::<u64>() {
        return Some(uuid::Uuid::from_u64_pair(0, number).to_string());
    }
    let groups: Vec<_> = text.split('-').collect();
    let [a, b, c, d, e] = groups[..] else {
        return None;
    };
    let of = |group: &str, bits: u32| {
        let number = u64::from_str_radix(group, 16).ok()?;
        Some(number & ((1 << bits) - 1))
    };
    let high = (of(a, 32)? << 32) | (of(b, 16)? << 16) | of(c, 16)?;
    let low = (of(d, 16)? << 48) | of(e, 48)?;
    Some(uuid::Uuid::from_u64_pair(high, low).to_string())
}

/// The body of a create, its four forms merged.
#[derive(Default)]
pub(super) struct Body {
    pub(super) pending: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) user: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) token: Option<String>,
}

impl Body {
    pub(super) fn of(request: &Request) -> Result<Self, Answer> {
        let mut body = Self::default();
        if request.body.is_empty() {
            return Ok(body);
        }
        let code = match request.media_type() {
            Some("application/json") => None,
            Some(_) => Some("[InvalidContentType]"),
            None => Some("[MissingContentType]"),
        };
        if let Some(code) = code {
            return Err(Errors::general(code).answer());
        }
        let Some(Value::Object(document)) = request.json() else {
            return Err(Errors::general("[invalidJSON]").answer());
        };
        let mut errors = Errors::default();
        for (name, value) in &document {
            match (&**name, value) {
                ("identityProviderLink", Value::Object(link)) => {
                    for (name, value) in link {
                        body.set(
                            name,
                            value,
                            &format!("identityProviderLink.{name}"),
                            &mut errors,
                        );
                    }
                }
                ("identityProviderLink", Value::Null) => {}
                ("identityProviderLink", _) => errors.add("invalidJSON", name),
                // Only the object has a token.
                ("token", _) => {}
                _ => body.set(name, value, name, &mut errors),
            }
        }
        match errors.is_empty() {
            true => Ok(body),
            false => Err(errors.answer()),
        }
    }

    fn set(&mut self, name: &str, value: &Value, path: &str, errors: &mut Errors) {
        let place = match name {
            "pendingIdPLinkId" => &mut self.pending,
            "identityProviderId" => &mut self.provider,
            "identityProviderUserId" => &mut self.subject,
            "userId" => &mut self.user,
            "displayName" => &mut self.display_name,
            "token" => &mut self.token,
            // What the vendor does not know is ignored.
            _ => return,
        };
        let is_id = matches!(name, "identityProviderId" | "userId");
        match value {
            Value::Null => {}
            Value::String(text) if is_id => match uuid::Uuid::try_parse(text) {
                Ok(id) if text.len() == 36 => *place = Some(id.to_string()),
                _ => errors.add("invalidJSON", path),
            },
            Value::String(text) => *place = Some(text.clone()),
            _ => errors.add("invalidJSON", path),
        }
    }
}
