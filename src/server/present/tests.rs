//! What replies say, and to whom.

use super::super::testing::{self, FakeAliases, client, link, vendor};
use super::*;
use crate::edge::scope::Scope;
use crate::model::{Alias, Instant};

fn reply(scopes: &[Scope], outcome: Outcome, page: Page) -> Result<Record, Failure> {
    let directory = testing::directory(&["blue"]);
    let presenter = Presenter {
        directory: &directory,
        aliases: &FakeAliases,
        vendor: &vendor(),
        client: &client(scopes),
        untold: &Untold::default(),
    };
    presenter.reply(
        outcome,
        &Asked {
            page,
            ..Asked::default()
        },
    )
}

#[test]
fn a_link_is_told_in_the_vendors_ids_with_its_provider_joined_in() {
    let found = Outcome::Link {
        link: link("google", "ext-1"),
        how: How::Found,
    };
    let reply = reply(&[], found, Page::default()).unwrap();
    let shown = reply.record(Field::Link).unwrap();
    assert_eq!(shown.text(Field::UserId), Some("u-1@acme"));
    assert_eq!(shown.text(Field::ProviderId), Some("at-acme-google"));
    assert_eq!(shown.text(Field::Tenant), Some("at-acme-blue"));
    assert_eq!(shown.text(Field::ProviderName), Some("Google"));
    assert_eq!(shown.text(Field::ProviderKind), Some("google"));
    assert_eq!(reply.text(Field::Outcome), Some("found"));
}

#[test]
fn a_token_needs_its_scope() {
    let found = || Outcome::Link {
        link: link("google", "ext-1"),
        how: How::Found,
    };
    let without = reply(&[Scope::LinksRead], found(), Page::default()).unwrap();
    assert!(!without.record(Field::Link).unwrap().has(Field::Token));
    let with = reply(&[Scope::LinksReadToken], found(), Page::default()).unwrap();
    assert_eq!(
        with.record(Field::Link).unwrap().text(Field::Token),
        Some("opaque-token")
    );
}

#[test]
fn what_is_kept_of_a_user_needs_the_scope_to_read_users() {
    let user = || Outcome::User {
        links: Vec::new(),
        user: User {
            tenant: TenantId::new("blue").unwrap(),
            user_id: UserId::new("u-1").unwrap(),
            ids: vec![Alias {
                vendor: vendor(),
                vendor_id: "u-1@acme".to_owned(),
            }],
            document: Some(r#"{"a":1}"#.to_owned()),
            created_at: Some(Instant(1)),
            updated_at: Some(Instant(2)),
            revision: 1,
        },
        created: false,
    };
    let writer = [Scope::UsersWrite, Scope::DirectoryWrite];
    for (scopes, is_shown) in [(&writer[..], false), (&[Scope::UsersRead], true)] {
        let reply = reply(scopes, user(), Page::default()).unwrap();
        let shown = reply.record(Field::User).unwrap();
        assert_eq!(shown.text(Field::UserId), Some("u-1@acme"));
        assert_eq!(
            (shown.has(Field::Ids), shown.has(Field::Document)),
            (is_shown, is_shown)
        );
    }
}

#[test]
fn a_link_that_the_vendor_has_no_word_for_is_left_out_of_lists_and_not_found_alone() {
    let links = vec![
        link("google", "1"),
        link("unnamed", "2"),
        link("google", "3"),
    ];
    let all = reply(
        &[],
        Outcome::Links { links, total: 3 },
        Page {
            offset: 1,
            limit: Some(5),
        },
    )
    .unwrap();
    let shown = all.list(Field::Links).unwrap();
    assert_eq!(
        shown
            .iter()
            .map(|l| l.text(Field::Subject))
            .collect::<Vec<_>>(),
        [Some("3")]
    );
    assert_eq!(all.int(Field::Total), Some(2));
    let alone = reply(
        &[],
        Outcome::Link {
            link: link("unnamed", "2"),
            how: How::Found,
        },
        Page::default(),
    );
    assert_eq!(alone, Err(Failure::LinkNotFound));
}

#[test]
fn a_user_without_an_id_at_the_vendor_is_not_told() {
    let mut nameless = link("google", "1");
    nameless.user_id = UserId::new("u-nameless").unwrap();
    let links = Outcome::Links {
        links: vec![nameless.clone(), link("google", "2")],
        total: 2,
    };
    let all = reply(&[], links, Page::default()).unwrap();
    assert_eq!(all.list(Field::Links).map(<[_]>::len), Some(1));
    assert_eq!(all.int(Field::Total), Some(1));
    let user = User {
        user_id: nameless.user_id.clone(),
        tenant: nameless.tenant.clone(),
        ids: vec![],
        document: None,
        created_at: nameless.created_at,
        updated_at: nameless.updated_at,
        revision: 1,
    };
    let how = How::Found;
    let alone = Outcome::Link {
        link: nameless,
        how,
    };
    assert_eq!(
        reply(&[], alone, Page::default()),
        Err(Failure::LinkNotFound)
    );
    let users = Outcome::Users {
        users: vec![(user.clone(), Vec::new())],
        more: false,
        total: 1,
    };
    let listed = reply(&[], users, Page::default()).unwrap();
    assert_eq!(listed.list(Field::Users).map(<[_]>::len), Some(0));
    let created = false;
    let alone = Outcome::User {
        user,
        links: Vec::new(),
        created,
    };
    assert_eq!(
        reply(&[], alone, Page::default()),
        Err(Failure::UserNotFound)
    );
}
