//! Law 8, over every ordered pair of dialects: what both carry survives the trip from one to the other and
//! back, in answers and in requests.

use linkbridge::dialect::Dialect;
use linkbridge::dialect::laws::{Carrier, Crossing, Rng, cross};
use linkbridge::mapping::builtin;
use linkbridge::model::Field;

use crate::loss::{built_in, fixture};

fn seeded(name: &str) -> Rng {
    Rng::new(
        name.bytes()
            .fold(8, |seed: u64, byte| seed.wrapping_mul(31) ^ u64::from(byte)),
    )
}

fn carrier(dialect: &Dialect) -> Carrier<'_> {
    Carrier::new(dialect, &mut seeded(dialect.name()))
}

fn crossed(from: &Dialect, to: &Dialect) -> Crossing {
    let rng = &mut seeded(from.name());
    cross(&carrier(from), &carrier(to), rng)
}

/// The built-in dialects and the fixtures, whose links are their own in one and inside users in the other.
fn dialects() -> Vec<Dialect> {
    let names = builtin::SOURCES.iter().map(|(name, _)| built_in(name));
    let fixtures = ["plain", "nested"].map(|name| fixture(name, "", ""));
    names.chain(fixtures).collect()
}

#[test]
fn what_two_dialects_carry_survives_the_trip_between_them() {
    let dialects = dialects();
    let carriers: Vec<Carrier<'_>> = dialects.iter().map(carrier).collect();
    let named = || dialects.iter().map(Dialect::name).zip(&carriers);
    let pairs = named().flat_map(|a| named().map(move |b| (a, b)));
    for ((name, from), (other, to)) in pairs.filter(|((a, _), (b, _))| a != b) {
        let names = format!("{name} -> {other}");
        let crossing = cross(from, to, &mut seeded(&names));
        assert!(
            crossing.faults.is_empty(),
            "{names}: {:#?}",
            crossing.faults
        );
        assert!(
            crossing.answered > 0,
            "{names}: no link was carried; {:?} and {:?} have places for some",
            from.idle,
            to.idle
        );
        // Whatever a link is, it is whose account at which provider.
        for field in [Field::UserId, Field::ProviderId, Field::Subject] {
            assert!(crossing.compared.contains(&field), "{names}: {field:?}");
        }
    }
}

#[test]
fn requests_are_carried_wherever_both_make_links() {
    let pairs = [
        (built_in("linkbridge"), built_in("fusionauth")),
        (built_in("fusionauth"), fixture("plain", "", "")),
        (fixture("nested", "", ""), built_in("fusionauth")),
    ];
    for (from, to) in pairs {
        let crossing = crossed(&from, &to);
        assert!(crossing.requested > 0, "{} -> {}", from.name(), to.name());
    }
}

/// Damage that leaves a mapping sound by itself: it loads, and only a trip tells.
#[test]
fn a_damaged_mapping_does_not_keep_the_law() {
    let other = built_in("fusionauth");
    let damages = [
        // A member that is left out under a condition of another one.
        (
            "'$.name' = { is = \"display_name\", codec = \"string\", max = 40 }",
            "'$.name' = { is = \"display_name\", if = \"token absent\" }",
            "display_name",
        ),
        // A constant that reads as the value it stands for.
        (
            "'$.name' = { is = \"display_name\", codec = \"string\", max = 40 }",
            "'$.name' = [ { is = \"display_name\", if = \"provider_kind is google\" }, { const = \"nobody\" } ]",
            "display_name",
        ),
        // A list of links that leaves some out.
        (
            "'$.links' = { list = \"links\", item = \"link\" }",
            "'$.links' = { list = \"links\", item = \"link\", where = \"display_name absent\" }",
            "cannot say",
        ),
    ];
    assert!(crossed(&fixture("plain", "", ""), &other).faults.is_empty());
    for (from, to, told) in damages {
        let damaged = fixture("plain", from, to);
        for crossing in [crossed(&damaged, &other), crossed(&other, &damaged)] {
            let faults = &crossing.faults;
            assert!(
                faults.iter().any(|fault| fault.contains(told)),
                "{to}: {faults:#?}"
            );
        }
    }
}
