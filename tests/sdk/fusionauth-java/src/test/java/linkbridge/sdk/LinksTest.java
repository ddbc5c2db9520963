package linkbridge.sdk;

import static linkbridge.sdk.Fixtures.A;
import static linkbridge.sdk.Fixtures.B;
import static linkbridge.sdk.Fixtures.G;
import static linkbridge.sdk.Fixtures.KEY;
import static linkbridge.sdk.Fixtures.P;
import static linkbridge.sdk.Fixtures.READER_KEY;
import static linkbridge.sdk.Fixtures.T;
import static linkbridge.sdk.Fixtures.URL;
import static linkbridge.sdk.Fixtures.Z;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.inversoft.error.Errors;
import com.inversoft.rest.ClientResponse;
import io.fusionauth.client.FusionAuthClient;
import io.fusionauth.domain.IdentityProviderLink;
import io.fusionauth.domain.api.identityProvider.IdentityProviderLinkRequest;
import io.fusionauth.domain.api.identityProvider.IdentityProviderLinkResponse;
import io.fusionauth.domain.api.identityProvider.IdentityProviderPendingLinkResponse;
import io.fusionauth.domain.provider.IdentityProviderType;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Drives a running linkbridge with the vendor's own client for Java, unmodified.
 *
 * <p>What the client makes of each answer is stated in the vendor reference, section 6.2: a success has the document
 * as {@code successResponse}, null for an empty one; anything else has it as {@code errorResponse}, null for an empty
 * one; an {@code exception} means that the answer could not be read.
 */
class LinksTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Instant LONG_AGO = Instant.parse("2020-01-01T00:00:00Z");

  private final FusionAuthClient client = new FusionAuthClient(KEY, URL);
  private final Fixtures.Untyped untyped = new Fixtures.Untyped(KEY, URL);

  @BeforeAll
  static void users() throws Exception {
    for (var user : List.of(A, B)) {
      linkbridge("PUT", "/linkbridge/v1/users/" + user, Map.of());
    }
  }

  private static Map<?, ?> linkbridge(String method, String path, Object body) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(URL + path))
        .header("Authorization", "Bearer " + KEY)
        .header("Linkbridge-Tenant", "acme")
        .header("Content-Type", "application/json")
        .method(method, BodyPublishers.ofString(JSON.writeValueAsString(body)))
        .build();
    var answer = HTTP.send(request, BodyHandlers.ofString());
    assertTrue(Set.of(200, 201).contains(answer.statusCode()), method + " " + path + ": " + answer.statusCode() + " " + answer.body());
    return JSON.readValue(answer.body(), Map.class);
  }

  private static String pendingLink(String of) throws Exception {
    var made = linkbridge("POST", "/linkbridge/v1/pending-links", Map.of(
        "provider_id", "acme-oidc", "subject", of, "display_name", "ann@example.test", "email", "ann@example.test",
        "username", "ann"));
    return (String) made.get("pending_id");
  }

  /** Subjects of their own for each test, so that tests do not see each other's links. */
  private static String subject() {
    return "java-" + COUNT.incrementAndGet();
  }

  private static IdentityProviderLinkRequest request(IdentityProviderLink link) {
    var request = new IdentityProviderLinkRequest();
    request.identityProviderLink = link;
    return request;
  }

  private ClientResponse<IdentityProviderLinkResponse, Errors> create(UUID provider, String of, UUID user) {
    return client.createUserLink(request(new IdentityProviderLink(provider, of, user)));
  }

  private static <T> T succeeded(ClientResponse<T, ?> answer) {
    assertNull(answer.exception, () -> "not read: " + answer.exception);
    assertEquals(200, answer.status, () -> "refused: " + answer.errorResponse);
    assertTrue(answer.wasSuccessful());
    assertNull(answer.errorResponse);
    return answer.successResponse;
  }

  /** The one link of an answer; the list must not be there. */
  private static IdentityProviderLink link(ClientResponse<IdentityProviderLinkResponse, Errors> answer) {
    var document = succeeded(answer);
    assertNotNull(document);
    assertNull(document.identityProviderLinks);
    assertTrue(contentType(answer).startsWith("application/json"), contentType(answer));
    return document.identityProviderLink;
  }

  /** The list of an answer; the one link must not be there. */
  private static List<IdentityProviderLink> links(ClientResponse<IdentityProviderLinkResponse, Errors> answer) {
    var document = succeeded(answer);
    assertNotNull(document);
    assertNull(document.identityProviderLink);
    assertNotNull(document.identityProviderLinks);
    return document.identityProviderLinks;
  }

  private static String contentType(ClientResponse<?, ?> answer) {
    return answer.getHeader("Content-Type");
  }

  private static void assertLink(IdentityProviderLink link, String of, UUID user, String displayName, String token) {
    assertEquals(P, link.identityProviderId);
    assertEquals("Acme OIDC", link.identityProviderName);
    assertEquals(IdentityProviderType.OpenIDConnect, link.identityProviderType);
    assertEquals(of, link.identityProviderUserId);
    assertEquals(T, link.tenantId);
    assertEquals(user, link.userId);
    assertEquals(displayName, link.displayName);
    assertEquals(token, link.token);
    // A document without `data` leaves the empty map that the class starts with.
    assertTrue(link.data == null || link.data.isEmpty(), () -> "data: " + link.data);
    for (var instant : new java.time.ZonedDateTime[] {link.insertInstant, link.lastLoginInstant}) {
      assertNotNull(instant);
      assertTrue(instant.toInstant().isAfter(LONG_AGO), instant.toString());
    }
  }

  /** A 401 or 404: no document, and not even bytes to read. */
  private static void assertEmpty(int status, ClientResponse<?, ?> answer) {
    assertNull(answer.exception, () -> "not read: " + answer.exception);
    assertEquals(status, answer.status);
    assertFalse(answer.wasSuccessful());
    assertNull(answer.successResponse);
    assertNull(answer.errorResponse);
    assertNull(contentType(answer));
  }

  private static Errors refused(ClientResponse<?, Errors> answer) {
    assertNull(answer.exception, () -> "not read: " + answer.exception);
    assertEquals(400, answer.status);
    assertFalse(answer.wasSuccessful());
    assertNull(answer.successResponse);
    assertNotNull(answer.errorResponse);
    return answer.errorResponse;
  }

  private static void assertFieldError(String field, String code, ClientResponse<?, Errors> answer) {
    var errors = refused(answer);
    assertEquals(Set.of(field), errors.fieldErrors.keySet());
    assertEquals(List.of(code), errors.fieldErrors.get(field).stream().map(e -> e.code).toList());
    assertFalse(errors.fieldErrors.get(field).get(0).message.isEmpty());
    assertEquals(List.of(), errors.generalErrors);
  }

  /** A field error whose code ends in the name of the field, as all but `[invalidJSON]` do. */
  private static void assertLinkError(String kind, String member, ClientResponse<?, Errors> answer) {
    var field = "identityProviderLink." + member;
    assertFieldError(field, "[" + kind + "]" + field, answer);
  }

  @Test
  void create() {
    var of = subject();
    var link = new IdentityProviderLink(P, of, A);
    link.displayName = "Änne";
    assertLink(link(client.createUserLink(request(link))), of, A, "Änne", null);
  }

  @Test
  void createWithNeitherNameNorToken() {
    var of = subject();
    assertLink(link(create(P, of, A)), of, A, null, null);
  }

  @Test
  void createWithToken() {
    var of = subject();
    var link = new IdentityProviderLink(P, of, A);
    link.displayName = "ann@example.test";
    link.token = "opaque-1";
    assertLink(link(client.createUserLink(request(link))), of, A, "ann@example.test", "opaque-1");
    assertLink(link(client.retrieveUserLink(P, of, A)), of, A, "ann@example.test", "opaque-1");
  }

  @Test
  @SuppressWarnings("deprecation")
  void createWithTheDeprecatedSetters() {
    // The client cannot say the flat body: these write into the link object, as section 6.1 states.
    var of = subject();
    var request = new IdentityProviderLinkRequest();
    request.setDisplayName("ann");
    request.setIdentityProviderId(P);
    request.setIdentityProviderUserId(of);
    request.setUserId(A);
    assertLink(link(client.createUserLink(request)), of, A, "ann", null);
  }

  @Test
  void membersThatAreForTheServerToSetAreIgnored() {
    // A link that was read may be sent again as it is, with all that section 1.1 has as ignored in requests.
    var of = subject();
    var read = link(create(P, of, A));
    succeeded(client.deleteUserLink(P, of, A));
    read.tenantId = Z;
    read.identityProviderName = "another";
    read.identityProviderType = IdentityProviderType.Google;
    assertLink(link(client.createUserLink(request(read))), of, A, null, null);
  }

  @Test
  void retrieveOne() {
    var of = subject();
    create(P, of, A);
    assertLink(link(client.retrieveUserLink(P, of, A)), of, A, null, null);
    // Null is left out of the query: whoever holds the account.
    assertLink(link(client.retrieveUserLink(P, of, null)), of, A, null, null);
    assertEmpty(404, client.retrieveUserLink(P, of, B));
  }

  @Test
  void retrieveByProviderAndByUser() {
    var of = subject();
    // B has no links but these: no other test leaves B one.
    assertEquals(List.of(), links(client.retrieveUserLinksByUserId(null, B)));
    assertLink(link(create(P, of, B)), of, B, null, null);
    succeeded(create(G, of, B));

    var atAcme = links(client.retrieveUserLinksByUserId(P, B));
    assertEquals(1, atAcme.size());
    assertLink(atAcme.get(0), of, B, null, null);
    var atGoogle = links(client.retrieveUserLinksByUserId(G, B));
    assertEquals(List.of("Google"), atGoogle.stream().map(l -> l.identityProviderName).toList());
    assertEquals(IdentityProviderType.Google, atGoogle.get(0).identityProviderType);
    var all = links(client.retrieveUserLinksByUserId(null, B));
    assertEquals(Set.of(P, G), Set.copyOf(all.stream().map(l -> l.identityProviderId).toList()));
    assertEquals(2, all.size());

    for (var provider : List.of(P, G)) {
      succeeded(client.deleteUserLink(provider, of, B));
      assertEquals(List.of(), links(client.retrieveUserLinksByUserId(provider, B)));
    }
    assertEquals(List.of(), links(client.retrieveUserLinksByUserId(null, B)));
  }

  private static void assertPending(IdentityProviderPendingLinkResponse document, String of) {
    var pending = document.pendingIdPLink;
    assertEquals("ann@example.test", pending.displayName);
    assertEquals("ann@example.test", pending.email);
    assertEquals(P, pending.identityProviderId);
    assertEquals("Acme OIDC", pending.identityProviderName);
    assertEquals(IdentityProviderType.OpenIDConnect, pending.identityProviderType);
    assertEquals(of, pending.identityProviderUserId);
    assertEquals("ann", pending.username);
    // The type has these, but the vendor's answers do not: section 1.3.
    assertTrue(pending.identityProviderLinks == null || pending.identityProviderLinks.isEmpty());
    assertNull(pending.user);
  }

  @Test
  void retrievePendingWithAndWithoutUser() throws Exception {
    var of = subject();
    var pending = pendingLink(of);
    var without = succeeded(client.retrievePendingLink(pending, null));
    assertPending(without, of);
    assertNull(without.linkCount);
    var with = succeeded(client.retrievePendingLink(pending, A));
    assertPending(with, of);
    assertEquals(links(client.retrieveUserLinksByUserId(P, A)).size(), with.linkCount);
    assertEmpty(404, client.retrievePendingLink("does-not-exist", null));
    assertEmpty(404, client.retrievePendingLink("does-not-exist", A));
  }

  @Test
  void completePending() throws Exception {
    var of = subject();
    var pending = pendingLink(of);
    var request = request(new IdentityProviderLink(null, null, A));
    request.pendingIdPLinkId = pending;
    assertLink(link(client.createUserLink(request)), of, A, "ann@example.test", null);
    assertLink(link(client.retrieveUserLink(P, of, A)), of, A, "ann@example.test", null);
    // Consumed: where the error stands is not known of the vendor, but there is one, and a read has nothing.
    assertFalse(refused(client.createUserLink(request)).empty());
    assertEmpty(404, client.retrievePendingLink(pending, null));
  }

  @Test
  @SuppressWarnings("deprecation")
  void completePendingWithTheDeprecatedSetter() throws Exception {
    var of = subject();
    var request = new IdentityProviderLinkRequest();
    request.pendingIdPLinkId = pendingLink(of);
    request.setUserId(A);
    assertLink(link(client.createUserLink(request)), of, A, "ann@example.test", null);
  }

  @Test
  void completePendingOfNobody() throws Exception {
    var request = request(new IdentityProviderLink(null, null, null));
    request.pendingIdPLinkId = pendingLink(subject());
    assertLinkError("missing", "userId", client.createUserLink(request));
  }

  @Test
  void deleteAndDeleteAgain() {
    var of = subject();
    create(P, of, A);
    assertEmpty(404, client.deleteUserLink(P, of, B));
    var answer = client.deleteUserLink(P, of, A);
    // The client types the answer as a document; the vendor's has no bytes, which is read as null (case 50).
    assertNull(succeeded(answer));
    assertNull(contentType(answer));
    assertEmpty(404, client.retrieveUserLink(P, of, A));
    assertEmpty(404, client.deleteUserLink(P, of, A));
  }

  @Test
  void everyCharacterOfSubjectComesBack() {
    for (var of : List.of("a b+c/ü&=", "java 'quoted' #?%25 !()*~ \uD83D\uDE00")) {
      assertLink(link(create(P, of, A)), of, A, null, null);
      assertLink(link(client.retrieveUserLink(P, of, A)), of, A, null, null);
      assertNull(succeeded(client.deleteUserLink(P, of, A)));
    }
  }

  @Test
  void missingMembers() {
    var of = subject();
    assertLinkError("missing", "userId", create(P, of, null));
    assertLinkError("missing", "identityProviderId", create(null, of, A));
    assertLinkError("blank", "identityProviderUserId", create(P, "", A));
    assertLinkError("blank", "identityProviderUserId", create(P, null, A));
    // All problems come in one answer.
    var all = Set.of(
        "identityProviderLink.identityProviderId", "identityProviderLink.identityProviderUserId", "identityProviderLink.userId");
    assertEquals(all, refused(create(null, null, null)).fieldErrors.keySet());
    assertEquals(all, refused(client.createUserLink(new IdentityProviderLinkRequest())).fieldErrors.keySet());
    assertEmpty(404, client.retrieveUserLink(P, of, null));
  }

  @Test
  void alreadyLinked() {
    var of = subject();
    create(P, of, A);
    for (var user : List.of(A, B)) {
      // The vendor reference is sure of the code's beginning; the field is its proposal.
      assertLinkError("alreadyLinked", "identityProviderUserId", create(P, of, user));
    }
    assertLink(link(client.retrieveUserLink(P, of, null)), of, A, null, null);
  }

  @Test
  void unknownUserAndProvider() {
    assertLinkError("invalid", "userId", create(P, subject(), Z));
    assertLinkError("invalid", "identityProviderId", create(Z, subject(), A));
    assertEmpty(404, client.retrieveUserLinksByUserId(null, Z));
    assertEmpty(404, client.retrieveUserLinksByUserId(P, Z));
    assertEmpty(404, client.retrieveUserLink(P, "nobody", null));
    assertEmpty(404, client.retrieveUserLink(P, "nobody", A));
    assertEmpty(404, client.deleteUserLink(P, "nobody", A));
  }

  @Test
  void noUuid() {
    var of = subject();
    var bad = "not-a-uuid";
    assertFieldError("userId", "[couldNotConvert]userId", untyped.retrieve(Map.of("userId", bad)));
    assertFieldError(
        "identityProviderId", "[couldNotConvert]identityProviderId",
        untyped.retrieve(Map.of("identityProviderId", bad, "userId", A.toString())));
    assertFieldError(
        "userId", "[couldNotConvert]userId",
        untyped.delete(Map.of("identityProviderId", P.toString(), "identityProviderUserId", of, "userId", bad)));
    assertFieldError(
        "identityProviderLink.userId", "[invalidJSON]",
        untyped.create(Map.of("identityProviderId", P, "identityProviderUserId", of, "userId", "xyz")));
  }

  @Test
  void queriesThatLackSomething() {
    // The reference proposes these codes for reads (section 2.1); for deletes it is sure of the 400 alone (case 53).
    assertFieldError("userId", "[missing]userId", client.retrieveUserLinksByUserId(P, null));
    assertFieldError("userId", "[missing]userId", client.retrieveUserLinksByUserId(null, null));
    assertFieldError(
        "identityProviderId", "[missing]identityProviderId", client.retrieveUserLink(null, "sub", null));
    assertFalse(refused(client.deleteUserLink(P, null, A)).empty());
    assertFalse(refused(client.deleteUserLink(null, "sub", A)).empty());
    assertFalse(refused(client.deleteUserLink(P, "sub", null)).empty());
  }

  @Test
  void wrongKeys() {
    var of = subject();
    create(P, of, A);
    for (var wrong : List.of("unknown-key-unknown-key-unknown-key-unknown", "Bearer " + KEY, "")) {
      var other = new FusionAuthClient(wrong, URL);
      assertEmpty(401, other.retrieveUserLink(P, of, A));
      assertEmpty(401, other.retrieveUserLinksByUserId(null, A));
      assertEmpty(401, other.createUserLink(request(new IdentityProviderLink(P, subject(), A))));
      assertEmpty(401, other.deleteUserLink(P, of, A));
      assertEmpty(401, other.retrievePendingLink("does-not-exist", null));
    }
    assertLink(link(client.retrieveUserLink(P, of, A)), of, A, null, null);
  }

  @Test
  void keyThatMayOnlyRead() {
    var of = subject();
    create(P, of, A);
    var reader = new FusionAuthClient(READER_KEY, URL);
    assertLink(link(reader.retrieveUserLink(P, of, A)), of, A, null, null);
    assertEmpty(401, reader.deleteUserLink(P, of, A));
    assertEmpty(401, reader.createUserLink(request(new IdentityProviderLink(P, subject(), A))));
    assertLink(link(client.retrieveUserLink(P, of, A)), of, A, null, null);
  }

  @Test
  void tenantHeader() {
    var of = subject();
    var right = new FusionAuthClient(KEY, URL, T.toString());
    assertLink(link(right.createUserLink(request(new IdentityProviderLink(P, of, A)))), of, A, null, null);
    assertLink(link(right.retrieveUserLink(P, of, A)), of, A, null, null);
    // What the vendor answers to a tenant that is none is not known; the reference proposes this (section 4, item 5 of 10).
    for (var wrong : List.of(Z.toString(), "not-a-uuid")) {
      var other = new FusionAuthClient(KEY, URL, wrong);
      for (var errors : List.of(
          refused(other.retrieveUserLink(P, of, A)),
          refused(other.createUserLink(request(new IdentityProviderLink(P, subject(), A)))),
          refused(other.deleteUserLink(P, of, A)))) {
        assertEquals(1, errors.generalErrors.size());
        assertEquals(Map.of(), errors.fieldErrors);
      }
    }
    assertLink(link(right.retrieveUserLink(P, of, A)), of, A, null, null);
  }

  @Test
  void providers() {
    var one = succeeded(client.retrieveIdentityProvider(P)).identityProvider;
    assertEquals("Acme OIDC", one.name);
    assertEquals(IdentityProviderType.OpenIDConnect, one.getType());
    var all = new HashMap<UUID, IdentityProviderType>();
    succeeded(client.retrieveIdentityProviders()).identityProviders.forEach(p -> all.put(p.id, p.getType()));
    assertEquals(Map.of(P, IdentityProviderType.OpenIDConnect, G, IdentityProviderType.Google), all);
    assertEquals(P, succeeded(client.lookupIdentityProvider("acme.example")).identityProvider.id);
    assertEmpty(404, client.retrieveIdentityProvider(Z));
  }
}
