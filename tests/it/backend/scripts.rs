//! Random operations, answered alike by a store and by the model.

use linkbridge::backend::Atomicity;
use linkbridge::model::operation::Rules;
use linkbridge::model::{Action, Page, Which};
use proptest::prelude::*;

use super::model::Model;
use super::random::any_script;
use super::world::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

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
        // Everybody is still listed and counted.
        for (tenant, rules) in [("acme", known()), ("acme", Rules::default()), ("other", Rules::default())] {
            let all = operation(Action::UserList { which: Which::All, after: None, page: Page::default(), links: true });
            let all = vec![all.of(tenant).rules(rules)];
            let want = model.batch(&all, Atomicity::Each);
            prop_assert_eq!(world.apply_all(all, Atomicity::Each), want);
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
