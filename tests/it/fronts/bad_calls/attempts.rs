//! The calls that should not be sent, made of `tests/fronts/bad_calls.toml`.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use toml::Table;

use super::super::super::support::rpc;
use super::super::clients::{tables, text, texts};
use super::super::template::Values;

/// A call and what is said to it; what is `None` is not looked at.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) what: String,
    pub(super) grpc: bool,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) code: String,
    pub(super) says: Option<String>,
    pub(super) id: Option<String>,
}

/// A method, and a call of it that is right.
pub(super) struct Method {
    pub(super) name: String,
    pub(super) connect: bool,
    message: Value,
    fields: Table,
    values: Values,
}

impl Method {
    pub(super) fn read(table: &Table, values: &Values) -> Result<Self, String> {
        let template: Value = serde_json::from_str(&text(table, "message")?).unwrap();
        let spoken = rpc::protocols(&text(table, "dialect")?);
        Ok(Self {
            name: text(table, "name")?,
            connect: spoken.iter().any(|word| word == "connect"),
            message: values.fill_json(&template)?.unwrap(),
            fields: table["fields"].as_table().unwrap().clone(),
            values: values.clone(),
        })
    }

    fn attempt(&self, what: String, grpc: bool, body: Vec<u8>, code: &str) -> Attempt {
        let kind = if grpc {
            "application/grpc+proto"
        } else {
            "application/json"
        };
        Attempt {
            what,
            grpc,
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body,
            code: code.to_owned(),
            says: None,
            id: None,
        }
    }

    /// The message as a protocol sends it.
    fn body(&self, grpc: bool, message: &Value) -> Result<Vec<u8>, String> {
        if !grpc {
            return Ok(message.to_string().into_bytes());
        }
        let input = rpc::method(&self.name)?.input();
        Ok(rpc::framed(&rpc::to_binary(input, message)?))
    }

    /// Each text of the message in turn is not what it should be.
    pub(super) fn of_fields(&self, grpc: bool) -> Vec<Attempt> {
        let code = "invalid_argument";
        let mut found = Vec::new();
        for (place, says) in &self.fields {
            let long = ["x".repeat(201), "\u{1d11e}".repeat(201)].map(Value::from);
            let lengths = [Value::Null, Value::from("")].into_iter().chain(long);
            for value in lengths {
                let what = format!("{place} is {value:.20}");
                let body = self.body(grpc, &self.with(place, value)).unwrap();
                found.push(Attempt {
                    says: says.as_str().map(str::to_owned),
                    ..self.attempt(what, grpc, body, code)
                });
            }
            if grpc {
                found.extend(self.of_wire_types(place));
                continue;
            }
            for wrong in ["7", "true", "[\"x\"]", "{\"x\":1}"] {
                let what = format!("{place} is {wrong}");
                let message = self.with(place, serde_json::from_str(wrong).unwrap());
                found.push(self.attempt(what, grpc, message.to_string().into_bytes(), code));
            }
        }
        found
    }

    /// A field as a number, eight bytes, four bytes, and a text that is no UTF-8; those of inner messages are left.
    fn of_wire_types(&self, place: &str) -> Vec<Attempt> {
        let input = rpc::method(&self.name).unwrap().input();
        let Some(field) = input.get_field_by_json_name(&place[1..]) else {
            return Vec::new();
        };
        let tag = |kind: u8| u8::try_from(field.number()).unwrap() << 3 | kind;
        let rest = rpc::to_binary(input.clone(), &self.with(place, Value::Null)).unwrap();
        let ends = [
            vec![tag(0), 1],
            [vec![tag(1)], vec![1; 8]].concat(),
            [vec![tag(5)], vec![1; 4]].concat(),
            vec![tag(2), 2, 0xc0, 0xaf],
        ];
        let all = ends.into_iter().map(|end| {
            let what = format!("{place} ends in {end:02x?}");
            let body = rpc::framed(&[&rest[..], &end].concat());
            self.attempt(what, true, body, "invalid_argument")
        });
        all.collect()
    }

    fn with(&self, place: &str, value: Value) -> Value {
        let mut message = self.message.clone();
        *message.pointer_mut(place).unwrap() = value;
        message
    }

    /// What a case of the file is for this method in a protocol; `None` if it is not for it.
    pub(super) fn of_case(&self, case: &Table, grpc: bool) -> Result<Option<Attempt>, String> {
        let methods = texts(case, "methods");
        let protocol = if grpc { "grpc" } else { "connect" };
        let other = case
            .get("protocol")
            .is_some_and(|p| p.as_str() != Some(protocol));
        if other || !methods.is_empty() && !methods.contains(&self.name) {
            return Ok(None);
        }
        let Some(body) = self.body_of(case, grpc)? else {
            return Ok(None);
        };
        let mut attempt = self.attempt(text(case, "what")?, grpc, body, &text(case, "code")?);
        for line in texts(case, "headers") {
            let (name, value) = line.split_once(": ").ok_or("no header")?;
            attempt.headers.push((name.to_owned(), value.to_owned()));
        }
        if case.contains_key("gzip") {
            let name = if grpc {
                "grpc-encoding"
            } else {
                "Content-Encoding"
            };
            attempt.headers.push((name.to_owned(), "gzip".to_owned()));
        }
        attempt.says = text(case, "says").ok();
        attempt.id = text(case, "id").ok();
        Ok(Some(attempt))
    }

    /// The body of a case, if it has one in this protocol.
    fn body_of(&self, case: &Table, grpc: bool) -> Result<Option<Vec<u8>>, String> {
        let size = |name| case.get(name).and_then(toml::Value::as_integer);
        let zeros = |n: i64| vec![0; usize::try_from(n).unwrap()];
        if let Some(json) = case.get("json").and_then(toml::Value::as_str) {
            let json = self.written(json);
            let template = serde_json::from_str(&json).map_err(|e| format!("{e}: {json}"))?;
            let message = self.values.fill_json(&template)?.unwrap();
            return self.body(grpc, &message).map(Some);
        }
        if let Some(hex) = case.get("hex").and_then(toml::Value::as_str) {
            return grpc.then(|| rpc::unhex(hex)).transpose();
        }
        if let Some(body) = case.get("body").and_then(toml::Value::as_str) {
            let times = usize::try_from(size("repeat").unwrap_or(1)).unwrap();
            let body = self.written(body).repeat(times).into_bytes();
            return Ok((!grpc).then_some(body));
        }
        if let Some(size) = size("zeros") {
            let body = zeros(size);
            return Ok(Some(if grpc { rpc::framed(&body) } else { body }));
        }
        let size = size("gzip").ok_or("a case without a body")?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&zeros(size)).unwrap();
        let packed = packed.finish().unwrap();
        if !grpc {
            return Ok(Some(packed));
        }
        let mut frame = rpc::framed(&packed);
        frame[0] = 1;
        Ok(Some(frame))
    }

    /// A text of a case with the parts of the right message in it.
    fn written(&self, text: &str) -> String {
        let message = self.message.to_string();
        let members = &message[1..message.len() - 1];
        let first = self.message.as_object().unwrap().keys().next().unwrap();
        text.replace("<message>", &message)
            .replace("<members>", members)
            .replace("<first>", first)
    }
}

/// The cases of the file.
pub(super) fn cases(file: &Table) -> Vec<Table> {
    tables(file, "case")
}
