//! Fronts over an upstream: a vendor's stub keeps the links.

mod attacks;
mod overlay;
mod two_tenants;
