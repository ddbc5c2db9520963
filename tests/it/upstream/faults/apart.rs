//! Faults that have a server of their own.
