//! What every backend must do (`links`, `unlink`, `rules`, `pending`, `users`, `puts`, `documents`,
//! `people`, `lists`, `batches`, `aliases`, `scripts`), and what the embedded store promises beyond that.
//!
//! A fact of the conformance suite is written once, inside `facts!`, and runs for each backend that
//! the macro names.

/// Facts about any backend that is also a directory of aliases.
macro_rules! facts {
    ($($(#[$doc:meta])* fn $fact:ident($world:ident) $body:block)*) => {
        $($(#[$doc])* fn $fact($world: &crate::backend::world::World) $body)*

        mod embedded {
            $(#[test] fn $fact() { crate::backend::world::with_embedded(super::$fact) })*
        }

        mod upstream {
            $(#[test] fn $fact() {
                let name = concat!(module_path!(), "::", stringify!($fact));
                crate::backend::away::with_upstream(name, super::$fact);
            })*
        }

        /// The names of the facts.
        pub(super) const FACTS: &[&str] = &[$(stringify!($fact)),*];
    };
}

mod aliases;
mod ask;
mod audit;
mod away;
mod batches;
mod beside;
mod beside_kill;
mod corruption;
mod disk;
mod documents;
mod faults;
mod idp_settings;
mod keys;
mod kill;
mod killed;
mod links;
mod lists;
mod migration;
mod model;
mod opening;
mod pending;
mod people;
mod puts;
mod races;
mod random;
mod rules;
mod scan;
mod scan_idp;
mod scripts;
mod told;
mod unlink;
mod users;
mod world;
