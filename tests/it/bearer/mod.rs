//! Tokens that others have issued: which are taken, which are not, and what happens while their issuer is
//! away. Tokens are signed here with aws-lc-rs, so that nothing of the code under test makes what it judges.

mod accepted;
mod hostile;
mod idp;
mod sign;
mod world;
