//! Several things asked for in one request.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::super::call::Call;
use super::super::testing::{Trial, call_with, list, record, refused, trial, user};
use super::AT_ONCE;
use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::edge::scope::Scope;
use crate::model::{Action, Failure, Field, Operation, OperationKind, Outcome, Record, Value, Why};

/// Gives an account to whoever asks first, takes its time, and notes how many ask at the same time.
#[derive(Default)]
struct Accounts {
    taken: Mutex<HashSet<(String, String)>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Accounts {
    fn put(&self, operation: &Operation) -> Answer {
        let Action::UserPut { user_id, links, .. } = &operation.action else {
            return Err(Failure::Conflict);
        };
        for link in links {
            let account = (link.provider_id.to_string(), link.subject.to_string());
            if !self.taken.lock().unwrap().insert(account) {
                return Err(Failure::SubjectTaken);
            }
        }
        Ok(Outcome::User {
            user: user(user_id.as_str()),
            links: Vec::new(),
            created: true,
        })
    }
}

impl Backend for Accounts {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let answer = self.put(&operation);
            for _ in 0..=user_number(&operation) % 3 {
                tokio::task::yield_now().await;
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }

    fn apply_all(&self, _: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn ready(&self) -> bool {
        true
    }
}

/// So that those who came first do not end first.
fn user_number(operation: &Operation) -> usize {
    match &operation.action {
        Action::UserPut { user_id, .. } => {
            user_id.as_str().bytes().map(usize::from).sum::<usize>() + 1
        }
        _ => 0,
    }
}

fn over(backend: &Arc<Accounts>) -> Trial {
    let mut trial = trial(Scope::ALL, vec![]);
    trial.world.backend = Arc::clone(backend) as Arc<dyn Backend>;
    trial
}

fn item(id: &str, user: &str, provider: &str, subject: &str) -> Record {
    let link = record(&[(Field::ProviderId, provider), (Field::Subject, subject)]);
    record(&[(Field::ItemId, id), (Field::UserId, user)]).with(Field::Links, list(&[link]))
}

fn batch(items: &[Record]) -> Call {
    let params = record(&[(Field::Tenant, "at-acme-blue")]).with(Field::Items, list(items));
    call_with(OperationKind::UserCreate, params)
}

fn texts(answers: &[Record], field: Field) -> Vec<Option<&str>> {
    answers.iter().map(|answer| answer.text(field)).collect()
}

#[test]
fn each_item_is_carried_out_for_itself_and_answered_in_its_place() {
    let google = "at-acme-google";
    let items = [
        item("i-1", "u-1@acme", google, "1"),
        item("i-2", "u-2@acme", "nobody", "2"),
        item("i-3", "u-3@acme", google, " "),
        item("i-4", "u-4@acme", google, "1"),
        item("i-5", "nobody", "nobody", "5"),
        item("i-6", "u-6@acme", google, "6"),
    ];
    let reply = over(&Arc::default()).run(batch(&items)).unwrap();
    assert_eq!(reply.int(Field::CarriedOutAt), Some(1000));
    assert_eq!(reply.text(Field::Tenant), Some("at-acme-blue"));
    let answers = reply.list(Field::Items).unwrap();
    let ids = ["i-1", "i-2", "i-3", "i-4", "i-5", "i-6"].map(Some);
    assert_eq!(texts(answers, Field::ItemId), ids);
    let refused = Some("refused");
    let created = Some("created");
    assert_eq!(
        texts(answers, Field::Outcome),
        [created, refused, refused, refused, refused, created]
    );
    assert_eq!(
        texts(answers, Field::Kind),
        [
            None,
            Some("provider_not_found"),
            Some("invalid"),
            Some("subject_taken"),
            Some("invalid"),
            None
        ]
    );
    assert_eq!(answers[0].text(Field::UserId), Some("u-1@acme"));
    assert!(answers[0].has(Field::User) && !answers[3].has(Field::User));
    // A failure tells its first problem itself, with a place that is its field.
    let told = |field| answers[2].text(field);
    assert_eq!(told(Field::FieldName), Some("subject"));
    assert_eq!(told(Field::At), Some("subject"));
    assert_eq!(told(Field::Why), Some("blank"));
    assert_eq!(
        told(Field::Message),
        Some("The member subject must not be blank.")
    );
    assert_eq!(answers[4].list(Field::Problems).map(<[_]>::len), Some(2));
}

#[test]
fn of_two_items_for_one_account_one_is_carried_out() {
    let items: Vec<Record> = (0..40)
        .map(|n| {
            item(
                &n.to_string(),
                &format!("u-{n}@acme"),
                "at-acme-google",
                "one",
            )
        })
        .collect();
    let reply = over(&Arc::default()).run(batch(&items)).unwrap();
    let answers = reply.list(Field::Items).unwrap();
    let outcomes = texts(answers, Field::Outcome);
    assert_eq!(
        outcomes.iter().filter(|o| **o == Some("created")).count(),
        1
    );
    assert_eq!(
        outcomes.iter().filter(|o| **o == Some("refused")).count(),
        39
    );
}

#[test]
fn some_items_run_at_the_same_time_and_not_all() {
    let backend = Arc::<Accounts>::default();
    let items: Vec<Record> = (0..200)
        .map(|n| {
            let n = n.to_string();
            item(&n, &format!("u-{n}@acme"), "at-acme-google", &n)
        })
        .collect();
    let reply = over(&backend).run(batch(&items)).unwrap();
    assert_eq!(backend.most.load(Ordering::SeqCst), AT_ONCE);
    let answers = reply.list(Field::Items).unwrap();
    let ids: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let told: Vec<_> = answers
        .iter()
        .map(|a| a.text(Field::ItemId).unwrap())
        .collect();
    assert_eq!(told, ids);
    let created = texts(answers, Field::Outcome);
    assert!(created.iter().all(|outcome| *outcome == Some("created")));
}

#[test]
fn no_items_are_no_answers() {
    let reply = over(&Arc::default()).run(batch(&[])).unwrap();
    assert_eq!(reply.list(Field::Items), Some(&[][..]));
}

#[test]
fn an_item_says_more_than_the_request_but_not_whose_data_it_is() {
    let trial = over(&Arc::default());
    let mut own = item("i-1", "u-1@acme", "at-acme-google", "1");
    own.set_text(Field::Tenant, "at-acme-green");
    own.set(Field::Items, list(&[record(&[])]));
    let mut call = batch(&[own, record(&[(Field::ItemId, "i-2")])]);
    let mut params = (*call.params).clone();
    params.set_text(Field::UserId, "u-common@acme");
    call.params = Arc::new(params);
    let reply = trial.run(call).unwrap();
    let answers = reply.list(Field::Items).unwrap();
    assert_eq!(
        texts(answers, Field::UserId),
        [Some("u-1@acme"), Some("u-common@acme")]
    );
    assert!(!answers[0].has(Field::Items));
    assert_eq!(texts(answers, Field::Tenant), [Some("at-acme-blue"); 2]);
}

#[test]
fn who_may_not_do_one_of_the_items_may_do_none() {
    let backend = Arc::<Accounts>::default();
    let mut trial = over(&backend);
    trial.client.scopes = [Scope::UsersWrite].into_iter().collect();
    let linked = item("i-2", "u-2@acme", "at-acme-google", "2");
    let plain = record(&[(Field::UserId, "u-1@acme")]);
    assert_eq!(
        trial.run(batch(&[plain.clone(), linked])),
        Err(Failure::Forbidden)
    );
    let named = plain.clone().with(Field::Ids, Value::List(Vec::new()));
    assert_eq!(
        trial.run(batch(&[plain.clone(), named])),
        Err(Failure::Forbidden)
    );
    assert_eq!(backend.most.load(Ordering::SeqCst), 0);
    trial.run(batch(&[plain])).unwrap();
}

#[test]
fn what_cannot_be_read_or_placed_concerns_the_whole_request() {
    let backend = Arc::<Accounts>::default();
    let trial = over(&backend);
    let items = [item("i-1", "u-1@acme", "at-acme-google", "1")];
    let problem = super::super::bind::problem(Field::Subject, Why::Missing, None);
    let faulty = Call {
        problems: vec![problem],
        ..batch(&items)
    };
    assert_eq!(
        refused(trial.run(faulty)),
        [(Some(Field::Subject), Why::Missing)]
    );
    let refusal = Call {
        refusal: Some(Failure::LinkNotFound),
        ..batch(&items)
    };
    assert_eq!(trial.run(refusal), Err(Failure::LinkNotFound));
    let mut elsewhere = batch(&items);
    let params = elsewhere.params.iter().map(|(f, v)| (f, v.clone()));
    let mut params: Record = params.collect();
    params.set_text(Field::Tenant, "nobody");
    elsewhere.params = Arc::new(params);
    assert_eq!(trial.run(elsewhere), Err(Failure::TenantUnknown));
    assert_eq!(backend.most.load(Ordering::SeqCst), 0);
}
