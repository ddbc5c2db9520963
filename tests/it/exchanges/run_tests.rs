//! Cases that show the runner itself at work, on a server that is there whatever dialects are built in: the native API.

use super::compare::House;
use super::run::run;

/// What a case in the words of a vendor finds wrong; the house asks for nothing.
fn found(vendor: &str, case: &str) -> Vec<String> {
    run(case, vendor, &House::default())
}

#[track_caller]
fn passes(vendor: &str, case: &str) {
    assert_eq!(found(vendor, case), Vec::<String>::new());
}

#[test]
fn what_is_given_in_a_vendors_words_is_there_in_canonical_ones() {
    passes(
        "zitadel",
        r#"# extra
# mark I
# source the native API
# setup: tenants=2
# given: user {"user_id":"{A}","document":{"n":[1,null]}}
# given: user {"user_id":"{C}","tenant":"{U}"}
# given: link {"user":"{A}","provider":"{S}","subject":"s-1","display_name":"ana","token":"t"}
# given: link {"user":"{C}","provider":"{P}","subject":"s-1","tenant":"{U}"}

### an alias and a document
GET /linkbridge/v1/users/206a5101-bf29-487c-af8f-7485ca48d6d5
Authorization: Bearer {K}
Linkbridge-Tenant: acme

HTTP/1.1 200 OK

{
  "user_id": "206a5101-bf29-487c-af8f-7485ca48d6d5",
  "tenant": "acme",
  "ids": {"zitadel": "{A}"},
  "document": {"n": [1, null]},
  "created_at": "any:rfc3339",
  "updated_at": "any:rfc3339",
  "revision": "any:int"
}

### a link, whose address holds its id
GET /linkbridge/v1/users/206a5101-bf29-487c-af8f-7485ca48d6d5/links
Authorization: Bearer {R}
Linkbridge-Tenant: acme

HTTP/1.1 200 OK
Cache-Control: any:string

{
  "links": [
    {
      "href": "{ORIGIN}/linkbridge/v1/links/{L1}",
      "link_id": "any:uuid as L1",
      "provider_id": "corp-saml",
      "subject": "s-1",
      "display_name": "ana",
      "token": "t",
      "any:members": "more"
    }
  ],
  "total": 1
}

### what was captured can be asked for
GET /linkbridge/v1/links/{L1}
Authorization: Bearer {L}
Linkbridge-Tenant: acme

HTTP/1.1 200 OK

{"link_id": "{L1}", "any:members": "more"}

### and is another one in the other tenant
GET /linkbridge/v1/users/c3d1a9e2-5b64-4f0a-8d27-90b1c2d3e4f5/links
Authorization: Bearer {K}
Linkbridge-Tenant: other
Host: {HOST}

HTTP/1.1 200 OK

{
  "links": [{"link_id": "any:uuid as L2", "tenant": "other", "subject": "s-1", "any:members": "more"}],
  "total": 1
}
"#,
    );
}

#[test]
fn a_link_is_there_at_a_provider_that_is_switched_off() {
    passes(
        "flip",
        r#"# extra
# mark I
# source the native API
# given: link {"user":"{B}","provider":"{O}","subject":"s-1"}
# given: pending {"provider_id":"{P}","subject":"s-2"}

### it is seen
GET /linkbridge/v1/users/{B}/links
Authorization: Bearer {K}

HTTP/1.1 200 OK

{"links": [{"provider_id": "{O}", "any:members": "more"}], "total": 1}

### a second one cannot be made
POST /linkbridge/v1/links
Authorization: Bearer {K}
Content-Type: application/json

{"user_id":"{A}","provider_id":"{O}","subject":"s-2"}

HTTP/1.1 404 Not Found

any:body

### what is pending has outlived the switch
GET /linkbridge/v1/pending-links/{pending}
Authorization: Bearer {K}

HTTP/1.1 200 OK

any:body
"#,
    );
}

#[test]
fn the_setup_decides_who_may_ask_how_often_and_who_is_a_user() {
    passes(
        "flip",
        r#"# extra
# mark I
# source the native API
# setup: users=open | rate=2 | anonymous=linkbridge
# given: link {"user":"{A}","provider":"{P}","subject":"s-1"}

### anybody is a user, and no credential is needed
POST /linkbridge/v1/links
Content-Type: application/json

{"user_id":"{Z}","provider_id":"{P}","subject":"s-2"}

HTTP/1.1 201 Created

any:body

### with the key it is the same client
GET /linkbridge/v1/users/{Z}/links
Authorization: Bearer {K}

HTTP/1.1 200 OK

{"links": [{"subject": "s-2", "any:members": "more"}], "total": 1}

### which has asked often enough
GET /linkbridge/v1/users/{Z}/links
Authorization: Bearer {K}

HTTP/1.1 429 Too Many Requests
Retry-After: any:digits

any:body

### another has not
GET /linkbridge/v1/users/{Z}/links
Authorization: Bearer {R}

HTTP/1.1 200 OK

any:body
"#,
    );
}

#[test]
fn a_setup_that_the_server_refuses_is_told_in_its_words() {
    let case = |setup: &str| {
        format!(
            "# extra\n# mark I\n# source s\n# setup: {setup}\n\n### t\nGET /\n\nHTTP/1.1 404\n\nany:body\n"
        )
    };
    for (setup, holds) in [
        ("anonymous=nowhere", "there is no dialect `nowhere`"),
        ("option.linkbridge.x=y", "the dialect has no option `x`"),
    ] {
        for more in ["", " | backend=conflict"] {
            let said = found("flip", &case(&format!("{setup}{more}"))).join("\n");
            assert!(said.contains(holds), "{said}\ndoes not hold {holds}");
        }
    }
}

#[test]
fn what_was_not_captured_has_no_value_later() {
    let case = "# extra\n# mark I\n# source s\n\n\
        ### first\nGET /linkbridge/v1/status\n\nHTTP/1.1 200 OK\n\n{\"ready\":\"any:string as X1\"}\n\n\
        ### second\nGET /linkbridge/v1/status?x={X1}\n\nHTTP/1.1 200 OK\n\nany:body\n";
    let wrong = found("flip", case);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(
        wrong[0].contains("expected any:string, got true"),
        "{wrong:?}"
    );
    assert!(wrong[1].contains("unknown placeholder {X1}"), "{wrong:?}");
    passes("flip", &case.replace("any:string", "any:bool"));
}
