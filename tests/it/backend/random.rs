//! Random operations, from a world so small that they meet.

use linkbridge::model::operation::{
    LastFactor, OnMissingDelete, OnRepeat, Rules, SubjectCase, UniqueScope,
};
use linkbridge::model::{
    Action, Alias, Attribute, DocumentChange, Instant, LinkId, NewLink, Operation, Page, PatchStep,
    PutMode, Secret, Target, Which,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;

use super::world::*;

const TENANTS: [&str; 4] = ["acme", "acme", "acme", "other"];
const USERS: [&str; 3] = ["u1", "u2", "u3"];
const PROVIDERS: [&str; 2] = ["google", "github"];
/// Two pairs that are one account where case is folded; a sigma at the end has a form of its own.
const SUBJECTS: [&str; 5] = ["a", "A", "b", "\u{391}\u{3a3}", "\u{3b1}\u{3c2}"];
/// Some ids at vendors are canonical ids too.
const NAMES: [&str; 3] = ["x", "u1", "u2"];

fn rules() -> impl Strategy<Value = Rules> {
    let rare = || proptest::bool::weighted(0.2);
    (
        (any::<bool>(), any::<bool>(), rare(), rare(), rare(), rare()),
        option::of(1..3u32),
        option::weighted(0.2, 1..3u32),
    )
        .prop_map(
            |(
                (repeat, missing, keep, instance, fold, known_users),
                per_user_provider,
                per_user,
            )| {
                let mut rules = Rules {
                    per_user,
                    per_user_provider,
                    known_users,
                    ..Rules::default()
                };
                if repeat {
                    rules.on_repeat = OnRepeat::Same;
                }
                if missing {
                    rules.on_missing_delete = OnMissingDelete::Same;
                }
                if keep {
                    rules.last_factor = LastFactor::Keep;
                }
                if instance {
                    rules.unique_scope = UniqueScope::Instance;
                }
                if fold {
                    rules.subject_case = SubjectCase::Fold;
                }
                rules
            },
        )
}

/// What an operation may be about, in a world so small that operations meet.
#[derive(Clone, Debug)]
struct About {
    who: &'static str,
    other: &'static str,
    at: &'static str,
    account: &'static str,
    name: &'static str,
    vendor: &'static str,
    id: &'static str,
    flag: bool,
    n: u64,
    some: Vec<&'static str>,
    providers: Vec<&'static str>,
    mode: PutMode,
    change: Option<DocumentChange>,
    attributes: Vec<Attribute>,
    links: Vec<NewLink>,
}

impl About {
    fn guard(&self) -> Option<&'static str> {
        self.flag.then_some(self.other)
    }

    fn page(&self) -> Page {
        Page {
            offset: self.n % 2,
            limit: self.flag.then_some(self.n),
        }
    }
}

fn about() -> impl Strategy<Value = About> {
    (
        (
            select(&USERS),
            select(&USERS),
            select(&PROVIDERS),
            select(&SUBJECTS),
        ),
        (
            select(&NAMES),
            select(&["one", "two"]),
            select(&["x", "x", "y", "z"]),
        ),
        (any::<bool>(), 0..3u64),
        (
            subsequence(USERS.to_vec(), 0..3),
            subsequence(PROVIDERS.to_vec(), 1..3),
        ),
        (
            select(&[PutMode::Either, PutMode::Create, PutMode::Update]),
            option::of(change()),
            proptest::collection::vec(attributes(), 0..2),
            proptest::collection::vec(link(), 0..3),
        ),
    )
        .prop_map(
            |(
                (who, other, at, account),
                (name, vendor, id),
                (flag, n),
                (some, providers),
                (mode, change, attributes, links),
            )| About {
                who,
                other,
                at,
                account,
                name,
                vendor,
                id,
                flag,
                n,
                some,
                providers,
                mode,
                change,
                attributes,
                links,
            },
        )
}

fn change() -> impl Strategy<Value = DocumentChange> {
    let texts = [
        "{}",
        "[{}]",
        "null",
        "no json",
        r#"{"username": "ann", "n": {"x": ""}}"#,
        r#"{"username": ["ann"], "n": [1]}"#,
    ];
    let set = [json!({}), json!({"username": "ann"}), json!({"n": null})];
    let pointers = [
        "/n",
        "/n/x",
        "/n/0",
        "/n/-",
        "/username",
        "/username",
        "/n~1x",
        "/0/n",
    ];
    let values = option::of(select(vec![json!("ann"), json!([]), json!({"x": 1})]));
    let step = (select(pointers.to_vec()), values, any::<bool>());
    let step = step.prop_map(|(pointer, value, inserts)| PatchStep {
        pointer: pointer.to_owned(),
        value,
        inserts,
    });
    prop_oneof![
        select(texts.to_vec()).prop_map(|text| DocumentChange::Whole(text.to_owned())),
        select(set.to_vec()).prop_map(|set| DocumentChange::Members {
            of: vec!["username".to_owned(), "n".to_owned()],
            set: set.as_object().unwrap().clone(),
        }),
        proptest::collection::vec(step, 1..3).prop_map(DocumentChange::Patch),
    ]
}

fn attributes() -> impl Strategy<Value = Attribute> {
    let paths = select(vec!["username", "n.x", "n.x.y", "n"]);
    let values = select(vec![json!("ann"), json!(""), json!(null), json!({"x": 2})]);
    (paths, values, any::<bool>()).prop_map(|(path, value, empty)| attribute(path, value, empty))
}

fn link() -> impl Strategy<Value = NewLink> {
    (
        select(&PROVIDERS),
        select(&SUBJECTS),
        option::weighted(0.2, 0..2u32),
    )
        .prop_map(|(at, account, limit)| NewLink {
            limit,
            ..new_link(at, account)
        })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    (0..28u8, about(), rules(), select(&TENANTS))
        .prop_map(|(what, about, rules, tenant)| about.action(what, tenant).of(tenant).rules(rules))
}

impl About {
    fn action(&self, what: u8, tenant: &str) -> Operation {
        let (u, p, s) = (self.who, self.at, self.account);
        match what {
            0..=4 => create_with_token(u, p, s, "opaque"),
            5 | 6 => with_attributes(create(u, p, s), &self.attributes),
            7 => find(p, s, self.guard()),
            8 => list(u),
            9 => operation(Action::LinkList {
                user_id: user(u),
                provider_id: None,
                subject: None,
                page: self.page(),
            }),
            10..=14 => self.deletion(what, tenant),
            15 => pending("new", p, s, Instant(NOW.0 + self.n as i64 * 20)),
            16 => look(self.id, self.guard()),
            17 | 18 => complete(self.id, u),
            19..=22 => operation(Action::UserPut {
                user_id: user(u),
                mode: self.mode,
                document: self.change.clone(),
                ids: self.ids(),
                links: self.links.clone(),
            }),
            23 => operation(Action::UserGet {
                user_id: user(u),
                links: self.flag,
            }),
            24 | 25 => self.listing(),
            26 => remove(u),
            _ => name(u, self.vendor, self.name, self.flag.then_some("reason")),
        }
    }

    fn deletion(&self, what: u8, tenant: &str) -> Operation {
        let (u, p, s) = (self.who, self.at, self.account);
        let tenant = super::world::tenant(tenant);
        let link_id = LinkId::of(&tenant, &user(u), &provider(p), &subject(s));
        let guard = self.guard().map(user);
        match what {
            10 => delete(u, p, s),
            11 => operation(Action::LinkDelete(Target::Id {
                link_id,
                user_id: guard,
            })),
            12 => operation(Action::LinkDelete(Target::AtProvider {
                user_id: user(u),
                provider_id: provider(p),
                all: self.flag,
            })),
            13 => among(u, &self.providers, (self.n > 0).then_some((p, s))),
            _ => operation(Action::LinkGet {
                link_id,
                user_id: guard,
            }),
        }
    }

    fn ids(&self) -> Vec<Alias> {
        let alias = alias(self.vendor, self.name);
        if self.flag { vec![alias] } else { Vec::new() }
    }

    fn listing(&self) -> Operation {
        let holder = Which::Holder {
            provider_id: provider(self.at),
            subject: subject(self.account),
        };
        let which = match self.links.len() + self.some.len() {
            0 => Which::All,
            1 => Which::Named("ann".to_owned()),
            2 => holder,
            _ => Which::Ids(self.some.iter().rev().map(|id| user(id)).collect()),
        };
        operation(Action::UserList {
            which,
            after: (self.n == 1).then(|| user(self.other)),
            page: self.page(),
            links: self.flag,
        })
    }
}

pub(super) fn any_script() -> impl Strategy<Value = Vec<(Vec<Operation>, bool)>> {
    let batch = (
        proptest::collection::vec(any_operation(), 1..4),
        proptest::bool::weighted(0.3),
    );
    proptest::collection::vec(batch, 1..50).prop_map(|mut script| {
        let mut made = 0;
        for (step, (operations, _)) in script.iter_mut().enumerate() {
            for op in operations {
                op.at = Instant(NOW.0 + step as i64);
                if let Action::PendingCreate { pending_id, .. } = &mut op.action {
                    // The first three can be looked at and completed under these names.
                    let id = ["x", "y", "z"].get(made).map(|id| (*id).to_owned());
                    *pending_id = Secret::new(id.unwrap_or_else(|| format!("p{made}")));
                    made += 1;
                }
            }
        }
        script
    })
}
