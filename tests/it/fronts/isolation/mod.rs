//! No tenant learns anything of another. Two servers differ only in what the other tenant has: every request of
//! every front, with every id of it that is the other tenant's, is answered the same by both, body and headers
//! included, and changes nothing there.

pub(super) mod cases;
mod same;
mod worlds;

use super::super::support::fixtures::{K, Z};
use super::clients::client;
use super::template::{Filled, Values};
use cases::{Case, all};
use same::{Plain, plain};
use worlds::{Setting, World, sides};

/// How a client asks.
#[derive(Clone, Copy, Debug)]
enum Asks {
    /// With a key that is locked to its tenant.
    Locked,
    /// The same, and it names the tenant, too.
    LockedAndNaming,
    /// With a key for all tenants, naming its own.
    Naming,
    /// The same, without naming one: the user says which.
    Unnamed,
}

impl Asks {
    /// Whether a request can be asked in this way.
    fn fits(self, case: &Case, foreign: &[&str], has_twin: bool) -> bool {
        let names = client(&case.dialect).names_tenant.is_some();
        let is_in_path = case.request.names("tenant");
        match self {
            Asks::Locked => true,
            Asks::LockedAndNaming => names,
            Asks::Naming => names || is_in_path,
            // A user who is in both tenants does not say which is meant, as that one may be told.
            Asks::Unnamed => {
                !is_in_path && !has_twin && case.request.names("user") && !foreign.contains(&"user")
            }
        }
    }
}

/// A pair of worlds: the other tenant has things in one of them only.
struct Pair {
    setting: Setting,
    full: World,
    empty: World,
    asked: usize,
    /// Whether what the asking tenant has may have changed.
    is_changed: bool,
    wrong: Vec<String>,
}

impl Pair {
    fn start(setting: Setting) -> Self {
        let full = World::start(&setting, true);
        let empty = World::start(&setting, false);
        Self {
            setting,
            full,
            empty,
            asked: 0,
            is_changed: false,
            wrong: Vec::new(),
        }
    }

    /// The request in one of the worlds, where the holes that are named are the other tenant's.
    fn request(&self, world: &World, case: &Case, foreign: &[&str], asks: Asks) -> Filled {
        let client = client(&case.dialect);
        let key = match asks {
            Asks::Locked | Asks::LockedAndNaming => self.setting.own.key,
            Asks::Naming | Asks::Unnamed => K,
        };
        let own = world.own_values(&client.vendor, key);
        let values = own.with(&self.full.foreign_values(&client.vendor), foreign);
        let names = matches!(asks, Asks::LockedAndNaming | Asks::Naming);
        fill(case, &values, names)
    }

    /// Asks in both worlds; answers both answers without what always differs.
    fn ask(&mut self, case: &Case, requests: [Filled; 2]) -> [Plain; 2] {
        self.asked += 1;
        let worlds = [&mut self.full, &mut self.empty];
        let own = self.setting.own.tenant.key;
        let mut answers = worlds.into_iter().zip(requests).map(|(world, request)| {
            let answer = world.ask(case, &request);
            let place = case.makes_user.as_deref().unwrap_or("/none");
            let json = answer.json().unwrap_or_default();
            if let Some(id) = json.pointer(place).and_then(|id| id.as_str()) {
                world.delete_user(own, id);
            }
            plain(&answer, world.server.addr, &case.random)
        });
        let answers = [answers.next().unwrap(), answers.next().unwrap()];
        self.is_changed |= case.writes && answers.iter().any(|answer| answer.status < 300);
        answers
    }

    fn try_one(&mut self, case: &Case, foreign: &[&str], asks: Asks) {
        if std::mem::take(&mut self.is_changed) {
            self.full.refill_own();
            self.empty.refill_own();
        }
        let requests =
            [&self.full, &self.empty].map(|world| self.request(world, case, foreign, asks));
        let [full, empty] = self.ask(case, requests);
        let is_told = case.is_exception(foreign) && !self.setting.unique_in_tenant;
        let what = || {
            format!(
                "{} {} as {asks:?}, foreign {foreign:?}",
                case.dialect, case.op
            )
        };
        if is_told && full == empty {
            self.wrong.push(format!("stale exception: {}", what()));
        }
        if !is_told && full != empty {
            self.wrong.push(format!(
                "{}:\n  there: {full:?}\n  not there: {empty:?}",
                what()
            ));
        }
        if full.status >= 500 {
            self.wrong.push(format!("{}: {full:?}", what()));
        }
    }

    /// Every case with every hole, and with all holes. Exceptions come last, for they end the sameness.
    fn try_all(&mut self) {
        let mut asked: Vec<(&Case, Vec<&str>)> = Vec::new();
        for case in all() {
            let holes = case.holes();
            asked.push((case, Vec::new()));
            asked.extend(holes.iter().map(|hole| (case, vec![*hole])));
            if holes.len() > 1 {
                asked.push((case, holes));
            }
        }
        asked.sort_by_key(|(case, foreign)| case.is_exception(foreign));
        for (case, foreign) in asked {
            for asks in [
                Asks::Locked,
                Asks::LockedAndNaming,
                Asks::Naming,
                Asks::Unnamed,
            ] {
                if asks.fits(case, &foreign, self.setting.has_twin) {
                    self.try_one(case, &foreign, asks);
                }
            }
        }
    }

    /// Whoever the things belong to can tell the worlds apart with each of the requests: else the test
    /// would ask for nothing.
    fn tell_apart(&mut self) {
        let foreign = self.setting.foreign;
        for case in all() {
            if std::mem::take(&mut self.is_changed) {
                self.full.refill_foreign();
                self.empty.refill_foreign();
            }
            let client = client(&case.dialect);
            let mut values = self.full.foreign_values(&client.vendor);
            values.set("key", foreign.key);
            let requests = [(); 2].map(|()| fill(case, &values, false));
            let [full, empty] = self.ask(case, requests);
            if (full == empty) != case.tells_nothing {
                self.wrong.push(format!(
                    "{} {}, to its owner:\n  there: {full:?}\n  not there: {empty:?}",
                    case.dialect, case.op
                ));
            }
        }
    }
}

fn fill(case: &Case, values: &Values, names_tenant: bool) -> Filled {
    let client = client(&case.dialect);
    let naming = client.names_tenant.iter().filter(|_| names_tenant);
    let headers: Vec<String> = client.headers.iter().chain(naming).cloned().collect();
    let filled = case.request.fill(&headers, values);
    filled.unwrap_or_else(|error| panic!("{} {}: {error}", case.dialect, case.op))
}

fn hold(own: usize, has_twin: bool, unique_in_tenant: bool) {
    let sides = sides();
    let mut pair = Pair::start(Setting {
        own: sides[own],
        foreign: sides[1 - own],
        has_twin,
        unique_in_tenant,
    });
    let before = pair.full.foreign_state();
    pair.try_all();
    let after = pair.full.foreign_state();
    if before != after {
        pair.wrong
            .push(format!("changed:\n  {before:?}\n  {after:?}"));
    }
    pair.tell_apart();
    for world in [&pair.full, &pair.empty] {
        assert!(
            !world.server.log().contains("panicked"),
            "{}",
            world.server.log()
        );
    }
    assert!(
        pair.wrong.is_empty(),
        "{} of {}:\n{}",
        pair.wrong.len(),
        pair.asked,
        pair.wrong.join("\n")
    );
    eprintln!(
        "isolation: {} requests, the same answers in both worlds",
        pair.asked
    );
}

#[test]
fn nothing_of_another_tenant_is_told() {
    hold(0, false, false);
}

#[test]
fn nothing_of_the_first_tenant_is_told_to_the_second() {
    hold(1, false, false);
}

#[test]
fn a_user_of_the_same_id_in_another_tenant_is_somebody_else() {
    hold(0, true, false);
}

#[test]
fn nothing_is_told_where_accounts_are_unique_in_their_tenant() {
    hold(0, false, true);
}

/// Who is locked to a tenant and names another one is refused alike, whether or not that one exists.
#[test]
fn a_tenant_that_is_not_the_clients_is_as_unknown_as_one_that_is_nowhere() {
    let [own, foreign] = sides();
    let setting = Setting {
        own,
        foreign,
        has_twin: false,
        unique_in_tenant: false,
    };
    let mut world = World::start(&setting, true);
    let mut asked = 0;
    for case in all() {
        let client = client(&case.dialect);
        if client.names_tenant.is_none() && !case.request.names("tenant") {
            continue;
        }
        let nowhere = match client.vendor.as_str() {
            "zitadel" => "311700000000000099",
            "linkbridge" => "nowhere",
            _ => Z,
        };
        let answers = [foreign.tenant.id_or_key(&client.vendor), nowhere].map(|tenant| {
            let mut values = world.own_values(&client.vendor, own.key);
            values.set("tenant", tenant);
            let answer = world.ask(case, &fill(case, &values, true));
            plain(&answer, world.server.addr, &case.random)
        });
        let [there, nowhere] = answers;
        let what = format!("{} {}", case.dialect, case.op);
        assert_eq!(there, nowhere, "{what}");
        assert!((400..500).contains(&there.status), "{what}: {there:?}");
        asked += 1;
    }
    assert!(asked > 40, "only {asked} requests name a tenant");
}
