//! Which protocol a call speaks, and how its messages are encoded: both are in its content type.

/// How messages are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// The JSON form of protobuf.
    Json,
    /// Protobuf's binary form.
    Proto,
}

/// How a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Connect, unary: the body is the message.
    Connect(Codec),
    /// gRPC: frames, and the status in the trailers of HTTP/2.
    Grpc(Codec),
    /// gRPC-Web: frames, and the status in a frame of its own.
    GrpcWeb(Codec),
    /// gRPC-Web with a body in base64.
    GrpcWebText(Codec),
}

/// Every content type of a unary call.
const CONTENT_TYPES: [(&str, Protocol); 10] = [
    ("application/json", Protocol::Connect(Codec::Json)),
    ("application/proto", Protocol::Connect(Codec::Proto)),
    ("application/grpc", Protocol::Grpc(Codec::Proto)),
    ("application/grpc+proto", Protocol::Grpc(Codec::Proto)),
    ("application/grpc+json", Protocol::Grpc(Codec::Json)),
    ("application/grpc-web", Protocol::GrpcWeb(Codec::Proto)),
    (
        "application/grpc-web+proto",
        Protocol::GrpcWeb(Codec::Proto),
    ),
    ("application/grpc-web+json", Protocol::GrpcWeb(Codec::Json)),
    (
        "application/grpc-web-text",
        Protocol::GrpcWebText(Codec::Proto),
    ),
    (
        "application/grpc-web-text+proto",
        Protocol::GrpcWebText(Codec::Proto),
    ),
];

impl Protocol {
    /// The words for protocols, as [`Protocol::name`] gives them.
    pub const NAMES: [&str; 4] = ["connect", "grpc", "grpc-web", "grpc-web-text"];

    /// The protocol that a content type names, in any case and with any parameters. The types of
    /// Connect's streams are none of them.
    #[must_use]
    pub fn named(content_type: &str) -> Option<Self> {
        let given = content_type.split(';').next().unwrap_or_default().trim();
        let found = CONTENT_TYPES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(given));
        found.map(|(_, protocol)| *protocol)
    }

    /// The protocol that one of [`Protocol::NAMES`] means, with a codec.
    #[must_use]
    pub fn named_word(word: &str, codec: Codec) -> Option<Self> {
        match word {
            "connect" => Some(Self::Connect(codec)),
            "grpc" => Some(Self::Grpc(codec)),
            "grpc-web" => Some(Self::GrpcWeb(codec)),
            "grpc-web-text" => Some(Self::GrpcWebText(codec)),
            _ => None,
        }
    }

    /// How messages are encoded.
    #[must_use]
    pub fn codec(self) -> Codec {
        match self {
            Self::Connect(codec)
            | Self::Grpc(codec)
            | Self::GrpcWeb(codec)
            | Self::GrpcWebText(codec) => codec,
        }
    }

    /// The word for this protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Grpc(_) => "grpc",
            Self::GrpcWeb(_) => "grpc-web",
            Self::GrpcWebText(_) => "grpc-web-text",
        }
    }

    /// The content type of answers. Failures of Connect have JSON's instead, whatever the codec.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Connect(Codec::Json) => "application/json",
            Self::Connect(Codec::Proto) => "application/proto",
            Self::Grpc(Codec::Json) => "application/grpc+json",
            Self::Grpc(Codec::Proto) => "application/grpc+proto",
            Self::GrpcWeb(Codec::Json) => "application/grpc-web+json",
            Self::GrpcWeb(Codec::Proto) => "application/grpc-web+proto",
            Self::GrpcWebText(Codec::Json) => "application/grpc-web-text+json",
            Self::GrpcWebText(Codec::Proto) => "application/grpc-web-text+proto",
        }
    }
}
