//! The upstream backend: links are kept by one IdP of any vendor that a mapping describes.
//!
//! The same mapping files as in front, the other way round: canonical ids become the vendor's, an op's
//! request is written and sent, its answer is read. What the vendor lacks is emulated by the plans of its
//! mapping, or by what is kept beside it ([`state`]). Where to call and with which credential comes from
//! the configuration alone.

mod backend;
pub mod caller;
pub mod exchange;
pub mod settings;
pub mod state;

pub use self::backend::{Parts, Upstream};
pub use self::caller::Caller;
pub use self::settings::Settings;
