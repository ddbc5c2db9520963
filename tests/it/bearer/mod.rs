//! Tokens that others have issued: which are taken, which are not, and what happens while their issuer is
//! away. Tokens are signed here with aws-lc-rs, so that nothing of the code under test makes what it judges.

mod accepted;
mod hostile;
pub(crate) mod idp;
mod introspection;
mod key_sources;
mod server;
mod sign;
mod world;
