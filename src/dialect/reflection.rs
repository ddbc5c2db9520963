//! Server reflection of gRPC: what the `.proto` files of dialects say, asked for message by message.
//!
//! A dialect has it if its files have its service. Both versions, `v1` and `v1alpha`, have the same messages.
//! Each answer stands for itself: a file always comes with all that it imports, of the same dialect.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use prost::Message as _;
use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};

use super::Dialect;

/// The services that are server reflection.
pub const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Their only method.
const METHOD: &str = "ServerReflectionInfo";

/// gRPC's number for what is not there.
const NOT_FOUND: i32 = 5;

/// What is no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoQuestion;

#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 5, 6, 7")]
    question: Option<Question>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Question {
    #[prost(string, tag = "3")]
    FileNamed(String),
    #[prost(string, tag = "4")]
    FileWithSymbol(String),
    #[prost(message, tag = "5")]
    FileWithExtension(Extension),
    #[prost(string, tag = "6")]
    ExtensionsOf(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Extension {
    #[prost(string, tag = "1")]
    of: String,
    #[prost(int32, tag = "2")]
    number: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(message, optional, tag = "2")]
    request: Option<Request>,
    #[prost(oneof = "Answer", tags = "4, 5, 6, 7")]
    answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "4")]
    Files(Files),
    #[prost(message, tag = "5")]
    Extensions(Extensions),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Error(Error),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Files {
    /// Each is an encoded `google.protobuf.FileDescriptorProto`.
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Extensions {
    #[prost(string, tag = "1")]
    of: String,
    #[prost(int32, repeated, tag = "2")]
    numbers: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Error {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Dialect {
    /// Whether a path is that of server reflection, and the dialect has it.
    #[must_use]
    pub fn reflects(&self, path: &str) -> bool {
        let name = path
            .strip_prefix('/')
            .and_then(|path| path.strip_suffix(METHOD))
            .and_then(|path| path.strip_suffix('/'));
        let named = name.filter(|name| REFLECTION.contains(name));
        named.is_some_and(|name| self.pool().is_some_and(|p| has_service(p, name)))
    }

    fn pool(&self) -> Option<&DescriptorPool> {
        self.plan.rpc.as_ref().map(|rpc| &rpc.pool)
    }
}

fn has_service(pool: &DescriptorPool, name: &str) -> bool {
    pool.get_service_by_name(name).is_some()
}

/// Answers one message of server reflection over these dialects, the first of which goes before the others.
///
/// # Errors
/// A message that cannot be read, or that asks nothing.
pub fn reflect(dialects: &[Arc<Dialect>], message: &[u8]) -> Result<Vec<u8>, NoQuestion> {
    let request = Request::decode(message).map_err(|_| NoQuestion)?;
    let question = request.question.as_ref().ok_or(NoQuestion)?;
    let pools: Vec<_> = dialects.iter().filter_map(|d| d.pool()).collect();
    let answer = Pools(&pools).answer(question);
    let response = Response {
        host: request.host.clone(),
        answer: Some(answer),
        request: Some(request),
    };
    Ok(response.encode_to_vec())
}

struct Pools<'p>(&'p [&'p DescriptorPool]);

impl Pools<'_> {
    fn answer(&self, question: &Question) -> Answer {
        let found = match question {
            Question::FileNamed(name) => self.file(|pool| pool.get_file_by_name(name)),
            Question::FileWithSymbol(name) => self.file(|pool| file_with_symbol(pool, name)),
            Question::FileWithExtension(extension) => {
                self.file(|pool| file_with_extension(pool, extension))
            }
            Question::ExtensionsOf(name) => self.extensions(name),
            Question::Services(_) => Some(self.services()),
        };
        found.unwrap_or_else(|| {
            let message = "not found".to_owned();
            let code = NOT_FOUND;
            Answer::Error(Error { code, message })
        })
    }

    /// The first file that is found, with what it imports.
    fn file(&self, find: impl Fn(&DescriptorPool) -> Option<FileDescriptor>) -> Option<Answer> {
        let file = self.0.iter().find_map(|pool| find(pool))?;
        let (mut seen, mut files) = (HashSet::new(), vec![file]);
        let mut encoded = Vec::new();
        while let Some(file) = files.pop() {
            if seen.insert(file.name().to_owned()) {
                encoded.push(file.encode_to_vec());
                files.extend(file.dependencies());
            }
        }
        Some(Answer::Files(Files { files: encoded }))
    }

    fn extensions(&self, of: &str) -> Option<Answer> {
        let mut pools = self.0.iter();
        let message = pools.find_map(|pool| pool.get_message_by_name(of))?;
        let numbers = message
            .extensions()
            .filter_map(|extension| i32::try_from(extension.number()).ok())
            .collect();
        let of = of.to_owned();
        Some(Answer::Extensions(Extensions { of, numbers }))
    }

    fn services(&self) -> Answer {
        let services = self.0.iter().flat_map(|pool| pool.services());
        let names: BTreeSet<String> = services.map(|s| s.full_name().to_owned()).collect();
        let services = names.into_iter().map(|name| Service { name }).collect();
        Answer::Services(Services { services })
    }
}

fn file_with_extension(pool: &DescriptorPool, extension: &Extension) -> Option<FileDescriptor> {
    let message = pool.get_message_by_name(&extension.of)?;
    let number = u32::try_from(extension.number).ok()?;
    message.get_extension(number).map(|e| e.parent_file())
}

/// The file that defines what has this full name.
fn file_with_symbol(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    let message = || pool.get_message_by_name(name).map(|m| m.parent_file());
    let service = || pool.get_service_by_name(name).map(|s| s.parent_file());
    let of_enum = || pool.get_enum_by_name(name).map(|e| e.parent_file());
    let extension = || pool.get_extension_by_name(name).map(|e| e.parent_file());
    service()
        .or_else(message)
        .or_else(of_enum)
        .or_else(extension)
        .or_else(|| file_with_member(pool, name))
}

/// The same for methods, fields and values, which stand in something else.
fn file_with_member(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    let (parent, last) = name.rsplit_once('.')?;
    let has_member = |message: &MessageDescriptor| {
        message.get_field_by_name(last).is_some() || message.oneofs().any(|o| o.name() == last)
    };
    let method = || {
        let service = pool.get_service_by_name(parent)?;
        let mut methods = service.methods();
        methods.find(|m| m.name() == last).map(|m| m.parent_file())
    };
    let field = || {
        let message = pool.get_message_by_name(parent).filter(has_member);
        message.map(|message| message.parent_file())
    };
    let value = || {
        let mut enums = pool.all_enums();
        let found = enums.find(|e| e.values().any(|value| value.full_name() == name));
        found.map(|found| found.parent_file())
    };
    method().or_else(field).or_else(value)
}
