//! Slow clients.
