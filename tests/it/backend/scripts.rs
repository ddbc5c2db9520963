//! Random operations, answered alike by a store and by the model.

use linkbridge::backend::Atomicity;
use linkbridge::model::operation::{OnMissingDelete, OnRepeat, Rules};
use linkbridge::model::{Action, Instant, LinkId, Operation, Page, Secret, Target};
use proptest::prelude::*;

use super::model::Model;
use super::world::*;

fn rules() -> impl Strategy<Value = Rules> {
    (
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(1..3u32),
        proptest::bool::weighted(0.2),
    )
        .prop_map(|(repeat, missing, per_user_provider, known_users)| Rules {
            on_repeat: if repeat {
                OnRepeat::Same
            } else {
                OnRepeat::Error
            },
            on_missing_delete: if missing {
                OnMissingDelete::Same
            } else {
                OnMissingDelete::Error
            },
            per_user_provider,
            known_users,
            ..Rules::default()
        })
}

/// An operation from a small world, so that operations meet. Pending ids are made unique later.
fn any_operation() -> impl Strategy<Value = Operation> {
    let texts = (0..3usize, 0..2usize, 0..4usize, 0..3usize);
    (0..20u8, texts, any::<bool>(), rules(), 0..2usize).prop_map(
        |(what, (who, at, account, n), flag, rules, tenant)| {
            let (u, p, s) = (
                ["u1", "u2", "u3"][who],
                ["google", "github"][at],
                ["a", "A", "b", "c"][account],
            );
            let (guard, id) = (flag.then(|| ["u1", "u2", "u3"][n]), ["x", "y", "z"][n]);
            // Some ids at vendors are canonical ids too.
            let named = ["x", "u1", "u2"][n];
            let (guarded, tenant) = (guard.map(user), ["acme", "other"][tenant]);
            let link_id = LinkId::of(
                &super::world::tenant(tenant),
                &user(u),
                &provider(p),
                &subject(s),
            );
            let op = match what {
                0..=4 => create_with_token(u, p, s, "opaque"),
                5 => find(p, s, guard),
                6 => operation(Action::LinkGet {
                    link_id,
                    user_id: guarded,
                }),
                7 => list(u),
                8 => operation(Action::LinkList {
                    user_id: user(u),
                    provider_id: None,
                    subject: None,
                    page: Page {
                        offset: n as u64,
                        limit: flag.then_some(at as u64),
                    },
                }),
                9 => delete(u, p, s),
                10 => operation(Action::LinkDelete(Target::Id {
                    link_id,
                    user_id: guarded,
                })),
                11 => operation(Action::LinkDelete(Target::AtProvider {
                    user_id: user(u),
                    provider_id: provider(p),
                    all: flag,
                })),
                12 => pending("new", p, s, Instant(NOW.0 + n as i64 * 20)),
                13 => look(id, guard),
                14 | 15 => complete(id, u),
                16 => put(u, flag.then_some("{}"), &[alias(["one", "two"][at], named)]),
                17 => get(u),
                18 => remove(u),
                _ => name(u, ["one", "two"][at], named, flag.then_some("reason")),
            };
            op.of(tenant).rules(rules)
        },
    )
}

fn any_script() -> impl Strategy<Value = Vec<(Vec<Operation>, bool)>> {
    let batch = (
        proptest::collection::vec(any_operation(), 1..4),
        any::<bool>(),
    );
    proptest::collection::vec(batch, 1..40).prop_map(|mut script| {
        let mut made = 0;
        for (step, (operations, _)) in script.iter_mut().enumerate() {
            for op in operations {
                op.at = Instant(NOW.0 + step as i64);
                if let Action::PendingCreate { pending_id, .. } = &mut op.action {
                    // The first three can be looked at and completed under these names.
                    *pending_id = Secret::new(
                        ["x", "y", "z"]
                            .get(made)
                            .copied()
                            .unwrap_or_default()
                            .to_owned(),
                    );
                    if made >= 3 {
                        *pending_id = Secret::new(format!("p{made}"));
                    }
                    made += 1;
                }
            }
        }
        script
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_answers_as_the_model_does(script in any_script()) {
        let directory = tempfile::tempdir().unwrap();
        let world = World { store: Box::new(embedded(directory.path())) };
        let mut model = Model::default();
        for (operations, together) in script {
            let atomicity = if together { Atomicity::Together } else { Atomicity::Each };
            let want = model.batch(&operations, atomicity);
            prop_assert_eq!(world.apply_all(operations, atomicity), want);
        }
        // Whatever id a vendor is told leads back to the same user.
        for n in 0..16 {
            let t = super::world::tenant(["acme", "other"][n % 2]);
            let at = vendor(["one", "two"][n / 2 % 2]);
            let who = user(["u1", "u2", "u3", "x"][n / 4]);
            if let Some(id) = world.store.vendor_id_of(&t, &at, &who).unwrap() {
                prop_assert_eq!(world.store.user_of(&t, &at, &id), Ok(who));
            }
        }
    }
}
