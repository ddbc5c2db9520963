//! Answers and failures of calls, as their protocols tell them apart.

use http::HeaderMap;

use super::rpc::Wire;
use crate::dialect::{Dialect, RpcCalled};
use crate::mapping::builtin;
use crate::model::Response;
use crate::transport::{Codec, Protocol};

/// An answer that says by its status over REST that something is wrong is an answer all the same; a
/// failure of the same status is none.
#[test]
fn a_server_that_is_not_ready_says_so_in_a_message() {
    let loaded = builtin::load_builtin("zitadel-v2").unwrap();
    let dialect = Dialect::new(loaded.plan.unwrap());
    let RpcCalled::Method(call) = dialect.call("/grpc.health.v1.Health/Check") else {
        panic!("no such call");
    };
    let wire = Wire {
        protocol: Protocol::Grpc(Codec::Proto),
        dialect: &dialect,
        call: Some(call),
    };
    let response = |body: &str| Response {
        status: 503,
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    };
    let told = wire.framed(response(r#"{"status":"NOT_SERVING"}"#), true);
    assert_eq!(&told.body[..], [0, 0, 0, 0, 2, 1 << 3, 2]);
    let failed = wire.framed(response(r#"{"code":14,"message":"later"}"#), false);
    assert_eq!(failed.headers["grpc-status"], "14");
}
