//! Remote procedure calls: from a message to the request that an op reads, and from its answer to a message.
//!
//! A call means the op that names its method, so that query and body decide nothing. What stands in the
//! path of the op's request is in fields of the message; the JSON of a message is what the op's rows read
//! and write. An error is the JSON of `google.rpc.Status`, as the gateways of gRPC's servers tell it.

use prost_reflect::prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value as Json;

use super::request::Look;
use super::{Candidates, Decoded, Dialect, body};
use crate::mapping::rpc::RpcMethod;
use crate::model::{Failure, Request, Response, Why};

/// Where the path of a call leads.
#[derive(Debug)]
pub enum Called<'d> {
    /// To an op.
    Method(Call<'d>),
    /// The dialect has the service, but not the method.
    Unserved,
    /// Nowhere.
    Unknown,
}

/// A call that means an op.
#[derive(Clone, Copy, Debug)]
pub struct Call<'d> {
    dialect: &'d Dialect,
    method: &'d RpcMethod,
}

/// What went wrong with a call: `google.rpc.Status`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RpcStatus {
    /// gRPC's number.
    pub code: Option<i64>,
    /// For people.
    pub message: String,
    /// Messages with their full names, encoded.
    pub details: Vec<(String, Vec<u8>)>,
}

impl Dialect {
    /// The protocols of its calls: words of [`crate::mapping::rpc::PROTOCOLS`].
    #[must_use]
    pub fn rpc_protocols(&self) -> &[String] {
        self.plan.rpc.as_ref().map_or(&[], |rpc| &rpc.protocols)
    }

    /// Where a call of this path (`/package.Service/Method`) leads.
    #[must_use]
    pub fn call(&self, path: &str) -> Called<'_> {
        let Some(rpc) = &self.plan.rpc else {
            return Called::Unknown;
        };
        if let Some(method) = rpc.methods.get(path) {
            let dialect = self;
            return Called::Method(Call { dialect, method });
        }
        let service = path
            .strip_prefix('/')
            .and_then(|path| path.rsplit_once('/'));
        match service {
            Some((service, _)) if rpc.has_service(service) => Called::Unserved,
            _ => Called::Unknown,
        }
    }

    /// Reads an error answer of this dialect in gRPC's terms.
    #[must_use]
    pub fn rpc_status(&self, response: &Response) -> RpcStatus {
        let body: Json = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        let details = body.get("details").and_then(Json::as_array);
        RpcStatus {
            code: body.get("code").and_then(Json::as_i64),
            message: text("message")
                .or(text("detail"))
                .unwrap_or_default()
                .to_owned(),
            details: details
                .into_iter()
                .flatten()
                .filter_map(|any| self.detail(any))
                .collect(),
        }
    }

    /// A detail, `{"@type": "type.googleapis.com/package.Name", …}`; `None` for one of an unknown type.
    fn detail(&self, any: &Json) -> Option<(String, Vec<u8>)> {
        let name = any.get("@type")?.as_str()?.rsplit('/').next()?;
        let message = self.plan.rpc.as_ref()?.pool.get_message_by_name(name)?;
        let mut members = any.as_object()?.clone();
        members.remove("@type");
        let encoded = encoded(message, Json::Object(members)).ok()?;
        Some((name.to_owned(), encoded))
    }
}

impl<'d> Call<'d> {
    /// The op, as what a method and path may mean.
    #[must_use]
    pub fn candidates(&self) -> Candidates<'d> {
        Candidates {
            plan: &self.dialect.plan,
            indexes: &self.method.ops,
        }
    }

    /// Whether its op tells something by this status. Then it is an answer, also where the status is one of
    /// errors to those who ask over REST.
    #[must_use]
    pub fn tells(&self, status: u16) -> bool {
        let [index] = self.method.ops;
        let answer = &self.dialect.op(super::op_id(index)).answer;
        let mut conditional = answer.status_if.iter();
        answer.statuses.contains(&status) || conditional.any(|(told, _)| *told == status)
    }

    /// Reads a message in its binary form. `request` is the call's head; its body is not looked at.
    ///
    /// # Errors
    /// `Invalid` for what is no such message.
    pub fn decode_binary(&self, request: &Request<'_>, message: &[u8]) -> Result<Decoded, Failure> {
        let malformed = || Failure::Invalid(vec![body::whole(Why::Malformed)]);
        let message = DynamicMessage::decode(self.method.input.clone(), message);
        let message = message.map_err(|_| malformed())?;
        self.decode(request, json(&message).ok_or_else(malformed)?)
    }

    /// Reads a message in its JSON form.
    ///
    /// # Errors
    /// `Invalid` for what is no JSON.
    pub fn decode_json(&self, request: &Request<'_>, message: &[u8]) -> Result<Decoded, Failure> {
        // A frame without anything in it is a message without fields.
        let message = match message {
            [] => Json::Object(serde_json::Map::new()),
            text => body::json(text, &self.dialect.plan)?,
        };
        self.decode(request, message)
    }

    fn decode(&self, request: &Request<'_>, message: Json) -> Result<Decoded, Failure> {
        if !message.is_object() {
            return Err(Failure::Invalid(vec![body::whole(Why::WrongType)]));
        }
        let [index] = self.method.ops;
        let op = self.dialect.op(super::op_id(index));
        let look = Look::of_message(&self.dialect.plan, request, message, self.method);
        Ok(look.decode(index, op))
    }

    /// The binary form of an answer of this dialect, which is no error; `None` if the answer is no such
    /// message, which a check at load makes unlikely.
    #[must_use]
    pub fn encode_binary(&self, response: &Response) -> Option<Vec<u8>> {
        if response.body.is_empty() {
            return Some(Vec::new());
        }
        let mut json = serde_json::Deserializer::from_slice(&response.body);
        let output = self.method.output.clone();
        let message = DynamicMessage::deserialize_with_options(output, &mut json, &EVERY_FIELD);
        message.ok().map(|message| message.encode_to_vec())
    }
}

/// What is told and has no field is a fault.
const EVERY_FIELD: DeserializeOptions = DeserializeOptions::new();

fn encoded(descriptor: MessageDescriptor, json: Json) -> Result<Vec<u8>, serde_json::Error> {
    DynamicMessage::deserialize(descriptor, json).map(|message| message.encode_to_vec())
}

/// The JSON of a message: names in camel case, zeros left out, long integers as texts.
fn json(message: &DynamicMessage) -> Option<Json> {
    let options = SerializeOptions::new();
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .ok()
}
