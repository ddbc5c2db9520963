//! Every front over every IdP: links are made, made again, read, taken and removed through each front, over each
//! vendor's stub, and each front says so in its own vendor's words. What is done at the IdP is looked at there.

use super::super::fronts::clients::{CLIENTS, Create, Delete, client};
use super::super::fronts::facts::{Fact, new_subject};
use super::super::fronts::speaker::Speaker;
use super::super::support::client::Answer;
use super::super::support::fixtures::{ROSA, THEIRS};
use super::idps::{Kept, TOKEN, stranger};
use super::table::{TABLE, Upstream};
use super::world::{GHOST, NOWHERE, World};

/// The walk of one front's way over one IdP.
struct Walk<'a> {
    world: &'a World,
    dialect: &'a str,
    upstream: &'a Upstream,
    speakers: &'a mut [Speaker],
    front: usize,
    create: (usize, &'static Create),
    delete: Option<&'static Delete>,
    wrong: Vec<String>,
}

impl Walk<'_> {
    /// An account that this IdP can keep and give up again.
    fn subject(&self) -> String {
        loop {
            let subject = new_subject();
            if self.upstream.slashes || !subject.contains('/') {
                return subject;
            }
        }
    }

    fn name(&self) -> &'static str {
        &CLIENTS[self.front].dialect
    }

    /// The front that makes links: this one, unless its vendor's API cannot.
    fn maker(&self) -> &'static str {
        &CLIENTS[self.create.0].dialect
    }

    fn note(&mut self, step: &str, found: impl IntoIterator<Item = String>) {
        let (way, maker) = (&self.create.1.way, self.maker());
        let name = self.name();
        let found = found.into_iter();
        let found =
            found.filter(|found| !self.upstream.differs.values().any(|d| found.contains(&**d)));
        self.wrong
            .extend(found.map(|found| format!("{name} ({maker} {way}), {step}: {found}")));
    }

    fn make(&mut self, fact: &Fact) -> Answer {
        self.speakers[self.create.0].create(self.create.1, fact)
    }

    /// The link as the IdP has to keep it.
    fn kept(&self, fact: &Fact) -> Kept {
        let vendor = self.world.vendor;
        (
            fact.user.id_or_key(vendor).to_owned(),
            fact.provider.id_or_key(vendor).to_owned(),
            fact.subject.clone(),
        )
    }

    /// Looks whether the IdP keeps exactly these links.
    fn keeps(&mut self, step: &str, kept: &[Kept]) {
        let there = self.world.idp.links();
        if there != kept.iter().cloned().collect() {
            self.note(step, [format!("the IdP keeps {there:?}, not {kept:?}")]);
        }
    }

    /// An attempt that makes a link or not, as this IdP and this front have it; whatever is made is removed.
    fn attempt(&mut self, step: &str, fact: &Fact, usual: &str, before: &[Kept]) {
        let outcome = TABLE.outcome(self.maker(), self.dialect, step, usual);
        let fact = fact.clone().kept_by(&self.create.1.keeps);
        let answer = self.make(&fact);
        if outcome == "created" {
            // What of other links a create tells differs from vendor to vendor.
            let found = match before {
                [] => self.made(&fact, &answer),
                _ => self.has_status(&answer),
            };
            self.note(step, found);
            let mut kept = before.to_vec();
            kept.push(self.kept(&fact));
            self.keeps(step, &kept);
            self.remove(&fact);
        } else {
            let found = TABLE.wrong(self.maker(), &outcome, &answer);
            self.note(step, found);
        }
        self.keeps(&format!("{step}, afterwards"), before);
    }

    fn has_status(&self, answer: &Answer) -> Vec<String> {
        let wanted = self.create.1.says.status;
        let is_so = answer.status == wanted;
        let found = (!is_so).then(|| format!("{} {}", answer.status, answer.text()));
        found.into_iter().collect()
    }

    fn made(&self, fact: &Fact, answer: &Answer) -> Vec<String> {
        self.speakers[self.create.0].created(self.create.1, fact, answer)
    }

    /// Removes a link through our own API.
    fn remove(&mut self, fact: &Fact) {
        let mut all = self.speakers.iter_mut();
        let native = all.find(|s| s.name() == "linkbridge").unwrap();
        let delete = &client("linkbridge").deletes[0];
        let answer = native.delete(delete, fact);
        if answer.status != 200 {
            let said = format!("{} {}", answer.status, answer.text());
            self.note("removed behind it", [said]);
        }
    }

    /// What this front reads of a link that is there, or is not.
    fn look(&mut self, step: &str, fact: &Fact, is_there: bool) {
        let speaker = &mut self.speakers[self.front];
        let mut found = Vec::new();
        for read in &speaker.client.reads {
            if fact.link.is_none() && read.request.names("link") {
                continue;
            }
            let wrong = match is_there {
                true => speaker.sees(read, fact),
                false => speaker.misses(read, fact),
            };
            found.extend(wrong.into_iter().map(|w| format!("{}: {w}", read.way)));
        }
        self.note(step, found);
    }

    /// One link from its making to its end.
    fn live(&mut self) {
        let mut fact = Fact::new("A", "P", &self.subject()).kept_by(&self.create.1.keeps);
        fact.user = &ROSA;
        if self.upstream.tells_last_login {
            fact.last_login = Some("any:rfc3339".to_owned());
        }
        let answer = self.make(&fact);
        let found = self.made(&fact, &answer);
        self.note("create", found);
        if self.upstream.names_by_account && fact.name.is_none() {
            fact.name = Some(fact.subject.clone());
        }
        let link = self.kept(&fact);
        self.keeps("create", std::slice::from_ref(&link));
        let mut all = self.speakers.iter_mut();
        let native = all.find(|s| s.name() == "linkbridge").unwrap();
        fact.link = native.link_id(&fact);
        if fact.link.is_none() {
            self.note("create", ["no id is told of it".to_owned()]);
        }
        self.look("there", &fact, true);
        let kept = std::slice::from_ref(&link);
        let again = self.make(&fact);
        self.repeated(&fact, &again);
        self.keeps("repeat", kept);
        self.attempt("taken", &fact.of("B"), "taken", kept);
        let second = Fact {
            subject: self.subject(),
            link: None,
            ..fact.clone()
        };
        self.attempt("second", &second, "created", kept);
        let elsewhere = Fact {
            user: &ROSA,
            ..Fact::new("A", "G", &self.subject())
        };
        self.attempt("elsewhere", &elsewhere, "created", kept);
        self.end(&fact);
    }

    /// The same again is met as this front's vendor has it.
    fn repeated(&mut self, fact: &Fact, again: &Answer) {
        let found = TABLE.wrong(self.maker(), "repeated", again);
        let _ = fact;
        self.note("repeat", found);
    }

    fn end(&mut self, fact: &Fact) {
        let Some(delete) = self.delete else {
            self.remove(fact);
            return;
        };
        let speaker = &mut self.speakers[self.front];
        let answer = speaker.delete(delete, fact);
        let found = speaker.deleted(delete, fact, &answer);
        self.note("delete", found);
        self.keeps("delete", &[]);
        self.look("gone", fact, false);
        let speaker = &mut self.speakers[self.front];
        let answer = speaker.delete(delete, fact);
        let found = speaker.says(&delete.gone, fact, &answer);
        self.note("delete again", found);
    }

    /// Users, providers and accounts that are not there, or not ours.
    fn strange(&mut self) {
        let nobody = Fact::new("Z", "P", &self.subject());
        self.world.idp.take_log();
        self.attempt("unknown user", &nobody, "unknown_user", &[]);
        self.nobody(&nobody);
        let nowhere = Fact {
            provider: &NOWHERE,
            ..Fact::new("A", "P", &self.subject())
        };
        self.attempt("unknown provider", &nowhere, "unknown_provider", &[]);
        for request in self.world.idp.take_log() {
            let line = request.line();
            let reads = request.method == "GET" || line.contains("_search");
            if !reads && !request.path.ends_with("/token") {
                self.note("what is unknown here", [format!("the IdP is asked {line}")]);
            }
        }
        let ghost = Fact {
            user: &GHOST,
            ..Fact::new("A", "P", &self.subject())
        };
        self.attempt("user unknown there", &ghost, "unknown_user", &[]);
        let held = Fact::new("A", "P", &self.subject());
        let (_, provider, subject) = self.kept(&held);
        let stranger = stranger(self.world.vendor);
        self.world.idp.link(&stranger, &provider, &subject);
        let kept = [(stranger, provider, subject)];
        self.attempt("a stranger's", &held, "taken", &kept);
        self.nowhere(&kept);
    }

    /// The links of a user who is not there, listed and removed.
    fn nobody(&mut self, fact: &Fact) {
        let name = self.name();
        // A link that is named by its id has one here, which nobody has.
        let fact = Fact {
            link: Some("6e6f626f-6479-4000-8000-000000000001".to_owned()),
            ..fact.clone()
        };
        let speaker = &mut self.speakers[self.front];
        let mut found = Vec::new();
        for read in speaker.client.reads.iter().filter(|read| !read.one) {
            let answer = speaker.ask(&read.request, &fact);
            found.extend(TABLE.wrong_of_nobody(name, "list", &answer));
        }
        for delete in &speaker.client.deletes {
            let answer = speaker.delete(delete, &fact);
            found.extend(TABLE.wrong_of_nobody(name, "delete", &answer));
        }
        self.note("nobody", found);
    }

    /// A provider that is set up here and not there. The last of all: where the IdP takes a link at it, it may be
    /// that nobody can take it away.
    fn nowhere(&mut self, before: &[Kept]) {
        let step = "provider unknown there";
        let fact = Fact {
            provider: &THEIRS,
            ..Fact::new("A", "P", &self.subject())
        };
        let outcome = TABLE.outcome(self.maker(), self.dialect, step, "unknown_provider");
        if outcome != "created" {
            return self.attempt(step, &fact, &outcome, before);
        }
        let answer = self.make(&fact);
        let found = self.has_status(&answer);
        self.note(step, found);
    }
}

/// Every way of every front over this IdP.
fn walk(dialect: &str) {
    walk_over(dialect, &|| World::start(dialect, true));
}

/// Every way of every front over worlds that are started so.
pub(super) fn walk_over(dialect: &str, start: &dyn Fn() -> World) {
    let upstream = TABLE.upstream.get(dialect).unwrap();
    let mut wrong = Vec::new();
    let mut n_walks = 0;
    for (front, of) in CLIENTS.iter().enumerate() {
        // A world of its own: strangers' links stay.
        let world = start();
        let mut speakers = world.speakers();
        let index = |name: &str| CLIENTS.iter().position(|c| c.dialect == name).unwrap();
        let (maker, creates) = match of.creates.is_empty() {
            false => (front, &of.creates),
            true => (index("linkbridge"), &client("linkbridge").creates),
        };
        let n_ways = creates.len().max(of.deletes.len());
        for way in 0..n_ways {
            let mut walk = Walk {
                world: &world,
                dialect,
                upstream,
                speakers: &mut speakers,
                front,
                create: (maker, &creates[way % creates.len()]),
                delete: of.deletes.get(way % of.deletes.len().max(1)),
                wrong: Vec::new(),
            };
            walk.live();
            if way + 1 == n_ways {
                walk.create.1 = &creates[0];
                walk.strange();
            }
            wrong.append(&mut walk.wrong);
            n_walks += 1;
        }
        let log = world.server.log();
        assert!(!log.contains("panicked") && !log.contains(TOKEN), "{log}");
    }
    let shown = wrong[..wrong.len().min(60)].join("\n");
    assert!(
        wrong.is_empty(),
        "{dialect}: {} differences in {n_walks} walks:\n{shown}",
        wrong.len()
    );
}

macro_rules! over {
    ($($name:ident: $dialect:literal,)*) => { $(
        #[test]
        fn $name() {
            walk($dialect);
        }
    )* };
}

over! {
    every_front_over_fusionauth: "fusionauth",
    every_front_over_flip: "flip",
    every_front_over_flip_v3: "flip-v3",
    every_front_over_ory: "ory",
    every_front_over_pingone: "pingone",
    every_front_over_zitadel: "zitadel-v2",
    every_front_over_keycloak: "keycloak",
}
