//! The route node of the backend tree: the tenant of an operation decides which backend carries it out.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Answer, Atomicity, Backend, BoxFuture};
use crate::model::{Failure, Operation, TenantId};

/// Backends by tenant, and one for all other tenants.
pub struct Route {
    by_tenant: HashMap<TenantId, Arc<dyn Backend>>,
    otherwise: Arc<dyn Backend>,
}

impl Route {
    /// A node with these children. A tenant that stands in two routes goes the later way; the configuration
    /// has none.
    #[must_use]
    pub fn new(
        routes: Vec<(Vec<TenantId>, Arc<dyn Backend>)>,
        otherwise: Arc<dyn Backend>,
    ) -> Self {
        let each = routes.into_iter().flat_map(|(tenants, backend)| {
            let pair = move |tenant| (tenant, Arc::clone(&backend));
            tenants.into_iter().map(pair)
        });
        Self {
            by_tenant: each.collect(),
            otherwise,
        }
    }

    fn child(&self, tenant: &TenantId) -> &Arc<dyn Backend> {
        self.by_tenant.get(tenant).unwrap_or(&self.otherwise)
    }

    /// The operations of a batch by the child that carries them out, each with its place in the batch.
    fn split(&self, operations: Vec<Operation>) -> Vec<Share<'_>> {
        let mut shares: Vec<Share<'_>> = Vec::new();
        for (place, operation) in operations.into_iter().enumerate() {
            let child = self.child(&operation.tenant);
            match shares.iter_mut().find(|s| Arc::ptr_eq(s.child, child)) {
                Some(share) => share.add(place, operation),
                None => shares.push(Share::of(child, place, operation)),
            }
        }
        shares
    }
}

/// What of a batch one child carries out.
struct Share<'r> {
    child: &'r Arc<dyn Backend>,
    places: Vec<usize>,
    operations: Vec<Operation>,
}

impl<'r> Share<'r> {
    fn of(child: &'r Arc<dyn Backend>, place: usize, operation: Operation) -> Self {
        Self {
            child,
            places: vec![place],
            operations: vec![operation],
        }
    }

    fn add(&mut self, place: usize, operation: Operation) {
        self.places.push(place);
        self.operations.push(operation);
    }
}

impl Backend for Route {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        self.child(&operation.tenant).apply(operation)
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(async move {
            let shares = self.split(operations);
            // No transaction goes over two backends: none of it is begun.
            if atomicity == Atomicity::Together && shares.len() > 1 {
                return refused(&shares);
            }
            let mut answers = Vec::new();
            for share in shares {
                let answered = share.child.apply_all(share.operations, atomicity).await;
                answers.extend(share.places.into_iter().zip(answered));
            }
            in_order(answers)
        })
    }

    fn ready(&self) -> bool {
        self.by_tenant.values().all(|child| child.ready()) && self.otherwise.ready()
    }
}

/// The answers to a batch that no backend can carry out as a whole.
fn refused(shares: &[Share<'_>]) -> Vec<Answer> {
    let each = shares.iter().flat_map(|share| {
        let places = share.places.iter().copied();
        let unsupported = |operation: &Operation| {
            Err(Failure::Unsupported {
                operation: operation.action.kind(),
            })
        };
        places.zip(share.operations.iter().map(unsupported))
    });
    in_order(each.collect())
}

/// The answers in the order of the batch.
fn in_order(mut answers: Vec<(usize, Answer)>) -> Vec<Answer> {
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::model::{Action, ClientName, Instant, Outcome, Rules};

    /// Notes whose operations it gets, and answers each with a failure that has its name.
    struct Child {
        name: &'static str,
        is_ready: AtomicBool,
        batches: Mutex<Vec<(Vec<String>, Atomicity)>>,
    }

    impl Child {
        fn new(name: &'static str) -> Arc<Self> {
            Arc::new(Self {
                name,
                is_ready: AtomicBool::new(true),
                batches: Mutex::default(),
            })
        }

        fn answer(&self) -> Answer {
            let incident = self.name.to_owned();
            Err(Failure::Internal { incident })
        }

        fn batches(&self) -> Vec<(Vec<String>, Atomicity)> {
            self.batches.lock().unwrap().clone()
        }
    }

    impl Backend for Child {
        fn apply(&self, _: Operation) -> BoxFuture<'_, Answer> {
            Box::pin(std::future::ready(self.answer()))
        }

        fn apply_all(
            &self,
            operations: Vec<Operation>,
            atomicity: Atomicity,
        ) -> BoxFuture<'_, Vec<Answer>> {
            let tenants = operations.iter().map(|o| o.tenant.to_string()).collect();
            self.batches.lock().unwrap().push((tenants, atomicity));
            let answers = operations.iter().map(|_| self.answer()).collect();
            Box::pin(std::future::ready(answers))
        }

        fn ready(&self) -> bool {
            self.is_ready.load(Ordering::Relaxed)
        }
    }

    fn tenant(key: &str) -> TenantId {
        TenantId::new(key).unwrap()
    }

    fn status(key: &str) -> Operation {
        Operation {
            tenant: tenant(key),
            client: ClientName::new("tester").unwrap(),
            origin: std::sync::Arc::default(),
            at: Instant(0),
            rules: Rules::default(),
            action: Action::Status,
        }
    }

    /// `a` and `b` go to the first child, `c` to the second, all others to the third.
    fn route() -> (Route, [Arc<Child>; 3]) {
        let children = ["first", "second", "third"].map(Child::new);
        let [first, second, third] = children.clone();
        let routes: Vec<(Vec<TenantId>, Arc<dyn Backend>)> = vec![
            (vec![tenant("a"), tenant("b")], first),
            (vec![tenant("c")], second),
        ];
        (Route::new(routes, third), children)
    }

    fn who(answer: &Answer) -> String {
        match answer {
            Err(Failure::Internal { incident }) => incident.clone(),
            Err(failure) => failure.kind().name().to_owned(),
            Ok(Outcome::Status { .. }) => "status".to_owned(),
            Ok(_) => "an outcome".to_owned(),
        }
    }

    async fn all(route: &Route, tenants: &[&str], atomicity: Atomicity) -> Vec<String> {
        let operations = tenants.iter().map(|tenant| status(tenant)).collect();
        let answers = route.apply_all(operations, atomicity).await;
        answers.iter().map(who).collect()
    }

    #[tokio::test]
    async fn the_tenant_decides() {
        let (route, _) = route();
        for (tenant, child) in [
            ("a", "first"),
            ("b", "first"),
            ("c", "second"),
            ("d", "third"),
        ] {
            assert_eq!(who(&route.apply(status(tenant)).await), child, "{tenant}");
        }
    }

    #[tokio::test]
    async fn a_batch_is_split_by_tenant_and_answered_in_its_order() {
        let (route, [first, second, third]) = route();
        let answers = all(&route, &["c", "a", "x", "b", "c"], Atomicity::Each).await;
        assert_eq!(answers, ["second", "first", "third", "first", "second"]);
        let each = |tenants: &[&str]| {
            let tenants = tenants.iter().map(|t| (*t).to_owned()).collect();
            vec![(tenants, Atomicity::Each)]
        };
        assert_eq!(first.batches(), each(&["a", "b"]));
        assert_eq!(second.batches(), each(&["c", "c"]));
        assert_eq!(third.batches(), each(&["x"]));
        assert_eq!(all(&route, &[], Atomicity::Each).await, [""; 0]);
    }

    #[tokio::test]
    async fn what_stands_or_falls_together_goes_to_one_child_or_to_none() {
        let (route, [first, second, third]) = route();
        let answers = all(&route, &["a", "b"], Atomicity::Together).await;
        assert_eq!(answers, ["first", "first"]);
        let whole = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(first.batches(), [(whole, Atomicity::Together)]);
        let answers = all(&route, &["a", "c"], Atomicity::Together).await;
        assert_eq!(answers, ["unsupported", "unsupported"]);
        assert_eq!(first.batches().len(), 1);
        assert!(second.batches().is_empty() && third.batches().is_empty());
    }

    #[test]
    fn it_is_ready_when_every_child_is() {
        let (route, children) = route();
        assert!(route.ready());
        for child in &children {
            child.is_ready.store(false, Ordering::Relaxed);
            assert!(!route.ready(), "{}", child.name);
            child.is_ready.store(true, Ordering::Relaxed);
        }
    }
}
