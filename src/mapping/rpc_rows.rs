//! Whether the rows of an op fit the messages of its methods: a member that no field of the message has
//! could be neither read nor told over a call.

use std::ops::Range;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use serde_json::Value as Json;

use super::path::Step;
use super::plan::{Form, Op, Row, Tree};
use super::rpc::RpcMethod;
use crate::finding::{Sink, suggest};

/// Checks captures, request and answer of an op against a method; `span` is where the op names it.
pub(super) fn check(op: &Op, method: &RpcMethod, span: Range<usize>, sink: &Sink) {
    let input = &method.input;
    for (name, _) in &op.captures {
        let is_text = |field: &FieldDescriptor| field.kind() == Kind::String && !field.is_list();
        if !input.get_field_by_name(name).as_ref().is_some_and(is_text) {
            let message = format!("{{{name}}} is no text of `{}`", input.full_name());
            sink.error_hint("LB210", span.clone(), message, fields(name, input));
        }
    }
    if let Some(body) = body(op, input, sink) {
        Rows { sink }.tree(&op.request, &body);
    }
    Rows { sink }.tree(&op.answer.tree, &method.output);
}

/// The message that is the body of the op's request.
fn body(op: &Op, input: &MessageDescriptor, sink: &Sink) -> Option<MessageDescriptor> {
    let Some((name, span)) = &op.rpc.body else {
        return Some(input.clone());
    };
    let field = input.get_field_by_name(name);
    match field.map(|field| (field.kind(), field.is_list())) {
        Some((Kind::Message(message), false)) => Some(message),
        _ => {
            let message = format!("`{name}` is no message in `{}`", input.full_name());
            sink.error_hint("LB210", span.clone(), message, fields(name, input));
            None
        }
    }
}

/// The nearest field, by its name in the file.
fn fields(name: &str, message: &MessageDescriptor) -> String {
    let known: Vec<String> = message
        .fields()
        .map(|field| field.name().to_owned())
        .collect();
    suggest(name, &known.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What a place of a document holds.
#[derive(Clone)]
enum At {
    Message(MessageDescriptor),
    List(Kind),
    Value,
}

impl At {
    fn of(field: &FieldDescriptor) -> Self {
        match (field.kind(), field.is_list()) {
            (kind, true) => Self::List(kind),
            (kind, false) => Self::of_kind(kind),
        }
    }

    fn of_kind(kind: Kind) -> Self {
        match kind {
            // Its JSON is a text, or another single value.
            Kind::Message(message) if message.full_name().starts_with("google.protobuf.") => {
                Self::Value
            }
            Kind::Message(message) => Self::Message(message),
            _ => Self::Value,
        }
    }

    /// What stands one step below; the fault if nothing can.
    fn below(self, step: &Step) -> Result<Self, String> {
        match (self, step) {
            (Self::Message(message), Step::Key(name)) => {
                let field = message.get_field_by_json_name(name);
                let fault = || {
                    format!(
                        "`{}` has no field whose JSON name is `{name}`",
                        message.full_name()
                    )
                };
                field.as_ref().map(Self::of).ok_or_else(fault)
            }
            (Self::List(kind), Step::Index(_)) => Ok(Self::of_kind(kind)),
            _ => Err("the field has no such member in its message".to_owned()),
        }
    }
}

struct Rows<'a> {
    sink: &'a Sink,
}

impl Rows<'_> {
    fn tree(&self, tree: &Tree, message: &MessageDescriptor) {
        for (path, row) in &tree.rows {
            let start = Ok(At::Message(message.clone()));
            let steps = path.steps().iter();
            match steps.fold(start, |at, step| at.and_then(|at| at.below(step))) {
                Ok(at) => self.row(row, &at),
                Err(fault) => self.fault(row, &fault),
            }
        }
    }

    fn row(&self, row: &Row, at: &At) {
        match (&row.form, at) {
            (Form::First(rows), _) => rows.iter().for_each(|row| self.row(row, at)),
            (Form::One { shape, .. }, At::Message(message))
            | (Form::List { item: shape, .. }, At::List(Kind::Message(message))) => {
                self.tree(shape, message);
            }
            (Form::One { .. } | Form::List { .. } | Form::Dict { .. } | Form::Group { .. }, _) => {
                self.fault(row, "the field of the message is not of this form");
            }
            (Form::Each { .. }, At::List(_)) | (_, At::Value) => {}
            (Form::Const(Json::Object(_)), At::Message(_)) => {}
            _ => self.fault(row, "the field of the message is no single value"),
        }
    }

    fn fault(&self, row: &Row, fault: &str) {
        self.sink.error("LB210", row.origin.span.clone(), fault);
    }
}
