//! Drives a running linkbridge with the crate `zitadel`, unmodified, whose gRPC is that of tonic: over HTTP/2 without
//! TLS, and with it.
//!
//! What each call must answer is in sections 2, 4 and 9 of the vendor reference. Errors are read as users of tonic read
//! them: the code and the message of a `Status`, and in its details the `Status` of Google with the vendor's own detail.

mod support;

use support::*;
use tonic::Code;
use zitadel::api::zitadel::management::v1 as management;
use zitadel::api::zitadel::user::v2::{AddIdpLinkRequest, ListIdpLinksRequest};
use zitadel::api::zitadel::v1::ListQuery as OldListQuery;

#[tokio::test]
async fn a_link_is_added_listed_and_removed() {
    for mut by in drivers().await {
        let (user, at) = (new_user().await, account());
        let added = by.add(&user, link(&at, ACME)).await.expect("added");
        assert_details(added.details);
        let listed = by.list(&user, None).await.expect("listed");
        assert_eq!(listed.result, [link(&at, ACME)]);
        let details = listed.details.expect("details");
        assert_eq!(details.total_result, 1);
        assert_now(instant!(details.timestamp));
        let removed = by.remove(&user, &at, ACME).await.expect("removed");
        assert_details(removed.details);
        let empty = by.list(&user, None).await.expect("listed");
        assert_eq!(
            (
                empty.result.len(),
                empty.details.expect("details").total_result
            ),
            (0, 0)
        );
        rejected(
            by.remove(&user, &at, ACME).await,
            Code::NotFound,
            "COMMAND-1M9xR",
        );
    }
}

#[tokio::test]
async fn the_sequence_of_a_user_grows() {
    for mut by in drivers().await {
        let (user, mut before) = (new_user().await, 0);
        for _ in 0..3 {
            let added = by.add(&user, link(&account(), ACME)).await.expect("added");
            let sequence = added.details.expect("details").sequence;
            assert!(sequence > before, "{sequence} after {before}");
            before = sequence;
        }
    }
}

#[tokio::test]
async fn an_account_has_one_holder_in_any_case_of_letters() {
    for mut by in drivers().await {
        let (user, other, at) = (new_user().await, new_user().await, account());
        by.add(&user, link(&at, ACME)).await.expect("added");
        for (who, spelled) in [(&user, &at), (&other, &at), (&other, &at.to_uppercase())] {
            rejected(
                by.add(who, link(spelled, ACME)).await,
                Code::AlreadyExists,
                "V3-DKcYh",
            );
        }
        by.add(&other, link(&at, GOOGLE))
            .await
            .expect("another provider has accounts of its own");
        rejected(
            by.remove(&user, &at.to_uppercase(), ACME).await,
            Code::NotFound,
            "COMMAND-1M9xR",
        );
        assert_eq!(by.accounts(&user, None).await, [at]);
    }
}

#[tokio::test]
async fn what_is_not_there() {
    for mut by in drivers().await {
        let (user, at) = (new_user().await, account());
        let refused = Code::FailedPrecondition;
        rejected(
            by.add(NOBODY, link(&at, ACME)).await,
            refused,
            "COMMAND-vzktar7b7f",
        );
        rejected(
            by.add(&user, link(&at, "1")).await,
            refused,
            "COMMAND-39nf2",
        );
        let bare = AddIdpLinkRequest {
            user_id: user.clone(),
            idp_link: None,
        };
        rejected(by.users.add_idp_link(bare).await, refused, "COMMAND-39nf2");
        for (who, idp) in [(NOBODY, ACME), (&user, "1"), (&user, ACME)] {
            rejected(
                by.remove(who, &at, idp).await,
                Code::NotFound,
                "COMMAND-1M9xR",
            );
        }
        assert_eq!(by.accounts(NOBODY, None).await, [""; 0]);
    }
}

#[tokio::test]
async fn lengths_are_counted_in_characters() {
    for mut by in drivers().await {
        let user = new_user().await;
        let runes = "value length must be between 1 and 200 runes, inclusive";
        let nested = "invalid AddIDPLinkRequest.IdpLink: embedded message failed validation | caused by: invalid IDPLink.";
        for (who, of, wanted) in [
            (
                "",
                link("a", ACME),
                format!("invalid AddIDPLinkRequest.UserId: {runes}"),
            ),
            (&user, link("", ACME), format!("{nested}UserId: {runes}")),
            (&user, link("a", ""), format!("{nested}IdpId: {runes}")),
            (
                &user,
                link(&"ä".repeat(201), ACME),
                format!("{nested}UserId: {runes}"),
            ),
        ] {
            let status = by.add(who, of).await.expect_err("refused");
            assert_eq!(
                (status.code(), status.message()),
                (Code::InvalidArgument, wanted.as_str())
            );
            assert!(status.details().is_empty());
        }
        let at: String = account()
            .chars()
            .chain("\u{1f600}".repeat(200).chars())
            .take(200)
            .collect();
        by.add(&user, link(&at, ACME)).await.expect("added");
        assert_eq!(by.accounts(&user, None).await, [at]);
    }
}

#[tokio::test]
async fn pages() {
    for mut by in drivers().await {
        let user = new_user().await;
        let every: Vec<_> = (0..5).map(|_| account()).collect();
        for at in &every {
            by.add(&user, link(at, ACME)).await.expect("added");
        }
        assert_eq!(by.accounts(&user, page(0, 2, true)).await, every[..2]);
        assert_eq!(by.accounts(&user, page(2, 2, false)).await, every[2..4]);
        assert_eq!(by.accounts(&user, page(9, 0, false)).await, [""; 0]);
        rejected(
            by.list(&user, page(0, 1001, false)).await,
            Code::InvalidArgument,
            "QUERY-4M0fs",
        );
    }
}

#[tokio::test]
async fn management_lists_and_removes() {
    for mut by in drivers().await {
        let (user, at) = (new_user().await, account());
        by.add(&user, link(&at, ACME)).await.expect("added");
        let list = management::ListHumanLinkedIdPsRequest {
            user_id: user.clone(),
            query: Some(OldListQuery {
                limit: 5,
                ..OldListQuery::default()
            }),
        };
        let listed = by
            .management
            .list_human_linked_id_ps(list)
            .await
            .expect("listed")
            .into_inner();
        let [one] = &listed.result[..] else {
            panic!("{listed:?}")
        };
        assert_eq!(
            (&one.user_id, &*one.idp_id, &*one.idp_name),
            (&user, ACME, "Acme OIDC")
        );
        assert_eq!(
            (&one.provided_user_id, &*one.provided_user_name),
            (&at, NAME)
        );
        let details = listed.details.expect("details");
        assert_eq!(details.total_result, 1);
        assert_now(instant!(details.view_timestamp));
        let remove = management::RemoveHumanLinkedIdpRequest {
            user_id: user.clone(),
            idp_id: ACME.into(),
            linked_user_id: at,
        };
        let removed = by
            .management
            .remove_human_linked_idp(remove.clone())
            .await
            .expect("removed");
        assert_eq!(
            removed
                .into_inner()
                .details
                .expect("details")
                .resource_owner,
            ORGANISATION
        );
        rejected(
            by.management.remove_human_linked_idp(remove).await,
            Code::NotFound,
            "COMMAND-1M9xR",
        );
        by.management
            .healthz(management::HealthzRequest {})
            .await
            .expect("healthy");
    }
}

#[tokio::test]
async fn tokens_and_permissions() {
    for mut by in drivers().await {
        let (user, at) = (new_user().await, account());
        by.add(&user, link(&at, ACME)).await.expect("added");
        let mut stranger = connect(&by.url, "wrong").await;
        rejected(
            stranger.add(&user, link(&account(), ACME)).await,
            Code::Unauthenticated,
            "AUTH-7fs1e",
        );
        rejected(
            stranger.list(&user, None).await,
            Code::Unauthenticated,
            "AUTH-7fs1e",
        );
        rejected(
            stranger.remove("", "", "").await,
            Code::Unauthenticated,
            "AUTH-7fs1e",
        );
        let mut reader = connect(&by.url, &need("LINKBRIDGE_READER_KEY")).await;
        assert_eq!(reader.accounts(&user, None).await, [at.as_str()]);
        let denied = Code::PermissionDenied;
        rejected(
            reader.add(&user, link(&account(), ACME)).await,
            denied,
            "AUTH-AWfge",
        );
        rejected(reader.remove(&user, &at, ACME).await, denied, "AUTH-AWfge");
        assert_eq!(by.accounts(&user, None).await, [at]);
    }
}

#[tokio::test]
async fn many_at_once_over_one_connection_have_one_winner() {
    for by in drivers().await {
        let (user, at) = (new_user().await, account());
        let tries: Vec<_> = (0..20)
            .map(|_| {
                let (mut by, user, of) = (by.clone(), user.clone(), link(&at, ACME));
                tokio::spawn(async move {
                    by.add(&user, of)
                        .await
                        .map_or_else(|status| status.code(), |_| Code::Ok)
                })
            })
            .collect();
        let mut told = Vec::new();
        for one in tries {
            told.push(one.await.expect("no panic"));
        }
        assert_eq!(told.iter().filter(|code| **code == Code::Ok).count(), 1);
        assert_eq!(
            told.iter()
                .filter(|code| **code == Code::AlreadyExists)
                .count(),
            19
        );
    }
}

#[tokio::test]
async fn a_call_that_is_not_served_and_one_with_a_deadline() {
    for mut by in drivers().await {
        let status = by
            .users
            .list_users(zitadel::api::zitadel::user::v2::ListUsersRequest::default())
            .await;
        assert_eq!(status.expect_err("not served").code(), Code::Unimplemented);
        let mut request = tonic::Request::new(ListIdpLinksRequest {
            user_id: NOBODY.into(),
            query: None,
        });
        request.set_timeout(std::time::Duration::from_secs(5));
        by.users.list_idp_links(request).await.expect("in time");
    }
}
