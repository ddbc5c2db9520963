//! Remote procedure calls: `.proto` files beside a mapping, and the ops that are reached by their methods.
//!
//! An op names the methods that mean it. Its rows stay as they are: a message has the body of the request
//! as its JSON, or in one of its fields, and the captures of the path as fields of their own names, as
//! the HTTP rules of gRPC's APIs have it (`google.api.http`).

use std::collections::HashMap;
use std::ops::Range;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::load::Includes;
use super::plan::Op;
use super::rpc_rows;
use crate::finding::{Sink, Table, Text, suggest};

/// The words for protocols, in the order of the reference.
pub const PROTOCOLS: &[&str] = &["connect", "grpc", "grpc-web", "grpc-web-text"];

/// The calls of a dialect.
#[derive(Debug)]
pub struct RpcPlan {
    /// The protocols that its services speak: words of [`PROTOCOLS`].
    pub protocols: Vec<String>,
    /// Every message and service of the files.
    pub pool: DescriptorPool,
    /// Paths (`/package.Service/Method`) to methods that mean an op.
    pub methods: HashMap<String, RpcMethod>,
}

/// A method that means an op.
#[derive(Debug)]
pub struct RpcMethod {
    /// The index of the op, as a list of one.
    pub ops: [usize; 1],
    /// The member of the message, by its JSON name, that is the body of the op's request; `None` = all of it.
    pub body: Option<String>,
    /// The request.
    pub input: MessageDescriptor,
    /// The answer.
    pub output: MessageDescriptor,
}

impl RpcPlan {
    /// Whether one of the files has the service; a name as in `package.Service`.
    #[must_use]
    pub fn has_service(&self, name: &str) -> bool {
        self.pool.get_service_by_name(name).is_some()
    }
}

/// What an op says of its methods.
#[derive(Clone, Debug, Default)]
pub struct OpRpc {
    /// The names, `package.Service/Method`, with their places.
    pub names: Vec<(String, Range<usize>)>,
    /// The field of the message that is the body.
    pub body: Option<(String, Range<usize>)>,
}

/// Reads `rpc` and `rpc_body` of an op.
pub(super) fn of_op(table: &Table<'_>) -> OpRpc {
    let owned = |text: Text<'_>| (text.value.into_owned(), text.span);
    OpRpc {
        names: table
            .texts("rpc")
            .unwrap_or_default()
            .into_iter()
            .map(owned)
            .collect(),
        body: table.text("rpc_body").map(owned),
    }
}

/// Reads `[rpc]` and finds the methods of the ops. `None` if the file has no calls, or if they are not sound.
pub(super) fn read(root: &Table<'_>, ops: &[Op], includes: &Includes<'_>) -> Option<RpcPlan> {
    let Some(table) = root.table("rpc") else {
        for (name, span) in ops.iter().flat_map(|op| op.rpc.names.first()) {
            let message = format!("`{name}` is a method, and the file has no `[rpc]`");
            let hint = "add [rpc] with `protocols` and `proto`";
            root.sink().error_hint("LB208", span.clone(), message, hint);
        }
        return None;
    };
    let protocols = protocols(&table);
    let pool = compile(&table, includes);
    table.finish();
    let pool = pool?;
    let mut methods = HashMap::new();
    for (index, op) in ops.iter().enumerate() {
        for (name, span) in &op.rpc.names {
            let Some(method) = method(&pool, op, (name, span), root.sink()) else {
                continue;
            };
            let method = RpcMethod {
                ops: [index],
                body: body_name(op, &method.input()),
                input: method.input(),
                output: method.output(),
            };
            rpc_rows::check(op, &method, span.clone(), root.sink());
            if methods.insert(format!("/{name}"), method).is_some() {
                let message = format!("two ops are reached by `{name}`");
                root.sink().error("LB208", span.clone(), message);
            }
        }
    }
    Some(RpcPlan {
        protocols: protocols?,
        pool,
        methods,
    })
}

fn protocols(table: &Table<'_>) -> Option<Vec<String>> {
    let sink = table.sink();
    let texts = table.texts("protocols").unwrap_or_default();
    if texts.is_empty() {
        let hint = format!("some of {}", PROTOCOLS.join(", "));
        sink.error_hint("LB003", table.span(), "`[rpc]` names no `protocols`", hint);
        return None;
    }
    let known = texts.into_iter().map(|text| {
        if PROTOCOLS.contains(&text.value.as_ref()) {
            return Some(text.value.into_owned());
        }
        let message = format!("`{}` is no protocol", text.value);
        sink.error_hint("LB004", text.span, message, suggest(&text.value, PROTOCOLS));
        None
    });
    known.collect()
}

/// Compiles the files of `proto`, which are all that there are.
fn compile(table: &Table<'_>, includes: &Includes<'_>) -> Option<DescriptorPool> {
    let sink = table.sink();
    let names = table.texts("proto").unwrap_or_default();
    if names.is_empty() {
        sink.error("LB003", table.span(), "`[rpc]` names no `proto` files");
        return None;
    }
    let mut texts = HashMap::new();
    for name in &names {
        match includes(&name.value) {
            Some(text) => drop(texts.insert(name.value.to_string(), text)),
            None => {
                let message = format!("there is no file `{}` beside this one", name.value);
                sink.error("LB005", name.span.clone(), message);
                return None;
            }
        }
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    for name in &names {
        if let Err(fault) = compiler.open_file(name.value.as_ref()) {
            // The form for debugging has the place in the file, which the other has not.
            let fault = format!("{fault:?}");
            let hint = "every file that is imported is listed in `proto`, too";
            sink.error_hint("LB209", name.span.clone(), fault, hint);
            return None;
        }
    }
    Some(compiler.descriptor_pool())
}

/// The files of a dialect.
struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.get(name) {
            Some(text) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The unary method of this name.
fn method(
    pool: &DescriptorPool,
    op: &Op,
    (name, span): (&str, &Range<usize>),
    sink: &Sink,
) -> Option<MethodDescriptor> {
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    let service = pool.get_service_by_name(service);
    let method = service.and_then(|service| service.methods().find(|m| m.name() == method));
    let Some(method) = method else {
        let known: Vec<String> = pool
            .services()
            .flat_map(|service| service.methods().map(|m| full_name(&m)).collect::<Vec<_>>())
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let message = format!(
            "`{name}`, which op `{}` names, is no method of the `proto` files",
            op.name
        );
        sink.error_hint("LB208", span.clone(), message, suggest(name, &known));
        return None;
    };
    if method.is_client_streaming() || method.is_server_streaming() {
        sink.error(
            "LB208",
            span.clone(),
            format!("`{name}` is a stream; an op is one exchange"),
        );
        return None;
    }
    Some(method)
}

/// `package.Service/Method`.
fn full_name(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// The JSON name of the member that is the body.
fn body_name(op: &Op, input: &MessageDescriptor) -> Option<String> {
    let (name, _) = op.rpc.body.as_ref()?;
    // A field that is not there is told by the check of the rows.
    let field = input.get_field_by_name(name);
    Some(field.map_or(name.clone(), |field| field.json_name().to_owned()))
}
