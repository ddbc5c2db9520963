//! What ZITADEL's REST layer says: errors by code and id, messages without their zero values.

use serde_json::{Map, Value, json};

use super::super::Answer;

/// An error: its code, its text, and its id if it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Error(
    pub(super) u8,
    pub(super) &'static str,
    pub(super) &'static str,
);

pub(super) const NO_HEADER: Error = Error(16, "auth header missing", "");
pub(super) const NO_BEARER: Error = Error(16, "invalid auth header", "AUTH-7fs1e");
pub(super) const BAD_TOKEN: Error = Error(16, "Token is invalid", "AUTH-7fs1e");
pub(super) const NO_ORGANISATION: Error = Error(7, "Organisation doesn't exist", "AUTH-Bs7Ds");
pub(super) const NO_MEMBER: Error = Error(5, "membership not found", "AUTHZ-cdgFk");
pub(super) const NO_PERMISSION: Error = Error(7, "No matching permissions found", "AUTH-AWfge");
pub(super) const NO_PERMISSION_V1: Error = Error(7, "No matching permissions found", "AUTH-5mWD2");
pub(super) const QUOTA: Error = Error(8, "Quota.Access.Exhausted", "QUOTA-vjAy8");
pub(super) const NO_USER_TO_LINK: Error = Error(9, "User could not be found", "COMMAND-vzktar7b7f");
// The id is inferred.
pub(super) const NO_USER: Error = Error(5, "User could not be found", "QUERY-Dfbg2");
pub(super) const NO_IDP_TO_LINK: Error = Error(
    9,
    "Identity Provider Configuration doesn't exist",
    "COMMAND-39nf2",
);
// Code and text are inferred, and so is that there is an id.
pub(super) const NO_IDP: Error = Error(
    5,
    "Identity Provider Configuration doesn't exist",
    "QUERY-SAFrt",
);
pub(super) const TAKEN: Error = Error(6, "External IDP already taken", "V3-DKcYh");
pub(super) const NO_LINK: Error = Error(5, "External IDP not found", "COMMAND-1M9xR");
pub(super) const LIMIT: Error = Error(3, "Limit exceeded", "QUERY-4M0fs");
pub(super) const NO_ROUTE: Error = Error(5, "Not Found", "");

impl Error {
    pub(super) fn answer(self) -> Answer {
        let Error(code, text, id) = self;
        let status = match code {
            3 | 9 => 400,
            5 => 404,
            6 => 409,
            7 => 403,
            8 => 429,
            16 => 401,
            _ => 500,
        };
        let body = match id {
            "" => json!({ "code": code, "message": text }),
            id => json!({
                "code": code,
                "message": format!("{text} ({id})"),
                "details": [{
                    "@type": "type.googleapis.com/zitadel.v1.ErrorDetail",
                    "id": id,
                    "message": text,
                }],
            }),
        };
        let answer = Answer::json(status, body);
        match status {
            429 => answer.with(
                "set-cookie",
                "zitadel.quota.exhausted=true; Path=/; Max-Age=86400",
            ),
            _ => answer,
        }
    }
}

/// What is no such verb: not even the code is that of its status.
pub(super) fn method() -> Answer {
    Answer::json(405, json!({ "code": 12, "message": "Method Not Allowed" }))
}

/// Bad input.
pub(super) fn invalid(message: &str) -> Answer {
    Answer::json(400, json!({ "code": 3, "message": message }))
}

/// A text that is too short or too long.
pub(super) fn length(message: &str, field: &str, inner: Option<&str>) -> Answer {
    let rule = "value length must be between 1 and 200 runes, inclusive";
    match inner {
        None => invalid(&format!("invalid {message}.{field}: {rule}")),
        Some(inner) => invalid(&format!(
            "invalid {message}.{field}: embedded message failed validation | caused by: invalid {inner}: {rule}"
        )),
    }
}

/// Whether a text has a length that fields may have.
pub(super) fn fits(text: &str) -> bool {
    (1..=200).contains(&text.chars().count())
}

/// A message as it was sent: members by either of their names, `null` as if it were not there.
#[derive(Default)]
pub(super) struct Message(Map<String, Value>);

impl Message {
    /// Reads a body; none at all is an empty message.
    pub(super) fn read(body: &[u8]) -> Result<Self, Answer> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        let value: Result<Value, _> = serde_json::from_slice(body);
        match value {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(invalid("proto: syntax error (line 1:1): unexpected token")),
            Err(error) => Err(invalid(&format!("proto: syntax error {error}"))),
        }
    }

    fn get(&self, name: &str) -> Result<Option<&Value>, Answer> {
        let snake = name.chars().fold(String::new(), |mut snake, c| {
            if c.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
            snake
        });
        let of = |name: &str| self.0.get(name).filter(|value| !value.is_null());
        match (of(name), of(&snake)) {
            (Some(_), Some(_)) if snake != name => {
                Err(invalid(&format!("proto: duplicate field {name:?}")))
            }
            (found, other) => Ok(found.or(other)),
        }
    }

    /// A text; one that is not there is empty.
    pub(super) fn text(&self, name: &str) -> Result<&str, Answer> {
        match self.get(name)? {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Self::wrong(name)),
        }
    }

    /// A number, as such or as a text.
    pub(super) fn number(&self, name: &str) -> Result<u64, Answer> {
        let number = match self.get(name)? {
            None => Some(0),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.ok_or_else(|| Self::wrong(name))
    }

    /// A message in this one.
    pub(super) fn message(&self, name: &str) -> Result<Option<Message>, Answer> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Message(members.clone()))),
            Some(_) => Err(Self::wrong(name)),
        }
    }

    /// A list of messages or texts in this one.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Value>, Answer> {
        match self.get(name)? {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(_) => Err(Self::wrong(name)),
        }
    }

    /// The names of its members.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub(super) fn of(value: &Value) -> Result<Self, Answer> {
        let members = value.as_object().cloned();
        members
            .map(Self)
            .ok_or_else(|| invalid("proto: syntax error: unexpected token"))
    }

    fn wrong(name: &str) -> Answer {
        invalid(&format!("proto: invalid value for field {name}"))
    }
}

/// A message without the members that have their zero values.
pub(super) fn without_zeros(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| match value {
                Value::String(text) => !text.is_empty() && text != "0",
                Value::Array(items) => !items.is_empty(),
                Value::Number(number) => number.as_u64() != Some(0),
                Value::Bool(bool) => *bool,
                Value::Null => false,
                Value::Object(_) => true,
            });
            let kept = kept.map(|(name, value)| (name, without_zeros(value)));
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.into_iter().map(without_zeros).collect(),
        other => other,
    }
}
