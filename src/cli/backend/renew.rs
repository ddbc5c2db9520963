//! A tree of backends, made anew over the store that stays.
//!
//! An upstream goes on under its name: its locks hold against requests that began before, and if nothing of
//! its endpoint has changed its connections, tokens, circuit and counts do, too. Everything else is new.

use std::sync::Arc;

use super::leaf::upstream_by;
use super::{Leaf, Open, tree};
use crate::backend::Backend;
use crate::backend::embedded::Embedded;
use crate::backend::upstream::Upstream;
use crate::backend::upstream::exchange::Exchange;
use crate::backend::upstream::settings::PendingOrigin;
use crate::config::Node;
use crate::dialect::Dialect;
use crate::directory::{Aliases, Directory};

/// An upstream that is open.
pub(super) struct Kept {
    leaf: Leaf,
    exchange: Arc<dyn Exchange>,
    pending_origin: Option<Arc<dyn Exchange>>,
    upstream: Arc<Upstream>,
    /// Whether it is called in a way in which it was not called before.
    pub(super) is_fresh: bool,
}

/// Puts a tree together.
///
/// # Errors
/// A sentence that says why it cannot be done.
pub(super) fn grow(
    root: Node,
    dialects: &[Arc<Dialect>],
    directory: &Arc<Directory>,
    store: &Arc<Embedded>,
    previous: &[Kept],
) -> Result<Open, String> {
    let mut kept: Vec<Kept> = Vec::new();
    let mut open_leaf = |leaf: Leaf| {
        let name = &leaf.settings.name;
        let before = previous.iter().find(|old| old.leaf.settings.name == *name);
        let opened = Kept::open(leaf, store, directory, before)?;
        let backend = Arc::clone(&opened.upstream) as Arc<dyn Backend>;
        kept.push(opened);
        Ok(backend)
    };
    let local = Arc::clone(store) as Arc<dyn Backend>;
    let tree = tree(root, dialects, directory, &local, &mut open_leaf)?;
    Ok(Open {
        backend: tree,
        aliases: Arc::clone(store) as Arc<dyn Aliases>,
        store: Arc::clone(store),
        leaves: kept.iter().map(|kept| kept.leaf.clone()).collect(),
        upstreams: kept.iter().map(|kept| Arc::clone(&kept.upstream)).collect(),
        kept,
    })
}

impl Kept {
    fn open(
        leaf: Leaf,
        store: &Arc<Embedded>,
        directory: &Arc<Directory>,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let same = before.filter(|old| is_called_alike(&old.leaf, &leaf));
        let exchange = same.map(|old| Ok(Arc::clone(&old.exchange)));
        let same_origin = before.filter(|old| has_origin_alike(&old.leaf, &leaf));
        let origin = same_origin.map(|old| Ok(old.pending_origin.clone()));
        let exchange = exchange.unwrap_or_else(|| leaf.exchange())?;
        let pending_origin = origin.unwrap_or_else(|| leaf.pending_origin())?;
        let called = (Arc::clone(&exchange), pending_origin.clone());
        let upstream = upstream_by(&leaf, called.0, called.1, store, directory);
        let upstream = match before {
            Some(old) => upstream.succeeding(&old.upstream),
            None => upstream,
        };
        Ok(Self {
            is_fresh: same.is_none(),
            leaf,
            exchange,
            pending_origin,
            upstream: Arc::new(upstream),
        })
    }
}

fn is_called_alike(a: &Leaf, b: &Leaf) -> bool {
    let (a, b) = (&a.settings, &b.settings);
    let credential_place = |dialect: &Dialect| dialect.credential_place();
    a.endpoint == b.endpoint && credential_place(&a.dialect) == credential_place(&b.dialect)
}

fn has_origin_alike(a: &Leaf, b: &Leaf) -> bool {
    let alike = |a: &PendingOrigin, b: &PendingOrigin| {
        a.endpoint == b.endpoint && Arc::ptr_eq(&a.dialect, &b.dialect)
    };
    match (&a.settings.pending_origin, &b.settings.pending_origin) {
        (Some(a), Some(b)) => alike(a, b),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::backend::describe::tests::{configured, upstream};
    use crate::cli::backend::{open, reopen};
    use crate::cli::dialects::built_in;

    #[test]
    fn an_upstream_goes_on_under_its_name_and_what_has_changed_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let dialects: Vec<Arc<Dialect>> = built_in();
        let directory = Arc::new(Directory::default());
        let main = upstream("main", "backend.upstream");
        let mut backend = configured(&main);
        backend.store.directory = dir.path().to_owned();
        let first = open(backend, &dialects, &directory).unwrap();
        let again = |text: &str, before: &Open| {
            reopen(before, configured(text).root, &dialects, &directory).unwrap()
        };
        let is_fresh = |open: &Open| open.kept.iter().map(|k| k.is_fresh).collect::<Vec<_>>();
        assert_eq!(is_fresh(&first), [true]);
        let same = again(&main, &first);
        assert_eq!(is_fresh(&same), [false]);
        assert!(Arc::ptr_eq(&same.kept[0].exchange, &first.kept[0].exchange));
        assert!(!Arc::ptr_eq(
            &same.kept[0].upstream,
            &first.kept[0].upstream
        ));
        assert!(Arc::ptr_eq(&same.store, &first.store));
        let elsewhere = again(&main.replace("https://main", "https://other"), &same);
        assert_eq!(is_fresh(&elsewhere), [true]);
        let renamed = again(
            &main.replace("name = \"main\"", "name = \"new\""),
            &elsewhere,
        );
        assert_eq!(is_fresh(&renamed), [true]);
        let none = again("", &renamed);
        assert!(none.kept.is_empty() && none.fresh().is_empty());
    }
}
