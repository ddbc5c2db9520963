//! The `linkbridge` program: process edges only.

fn main() {}
