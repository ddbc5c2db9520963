//! linkbridge over IdPs of every vendor that can keep links: the stub vendors in `stubs`, seeded with the
//! fixtures that all black-box tests share. `tests/upstream/` has the data.

mod attacks;
mod faults;
mod idps;
mod limits;
mod matrix;
mod overlay;
mod real;
mod table;
mod two_tenants;
pub(crate) mod world;
