package linkbridge.sdk;

import static linkbridge.sdk.Fixtures.A;
import static linkbridge.sdk.Fixtures.LINK;
import static linkbridge.sdk.Fixtures.P;
import static linkbridge.sdk.Fixtures.T;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import io.fusionauth.client.FusionAuthClient;
import io.fusionauth.domain.IdentityProviderLink;
import io.fusionauth.domain.api.identityProvider.IdentityProviderLinkRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the client sends, seen by a server that answers 200 with nothing: the vendor reference, section 6.1. It guards
 * the other tests: were the client to send something else one day, they would no longer hold what they claim to.
 */
class SentTest {
  record Seen(String method, String target, Headers headers, byte[] body) {
    String text() {
      return new String(body, StandardCharsets.UTF_8);
    }
  }

  private HttpServer server;
  private volatile Seen seen;
  private FusionAuthClient client;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", exchange -> {
      seen = new Seen(
          exchange.getRequestMethod(), exchange.getRequestURI().toString(), exchange.getRequestHeaders(),
          exchange.getRequestBody().readAllBytes());
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    server.start();
    client = new FusionAuthClient("the-key", "http://127.0.0.1:" + server.getAddress().getPort());
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void createSendsTheLinkObject() throws IOException {
    var link = new IdentityProviderLink(P, "sub ü<&>", A);
    link.displayName = "Änne";
    link.token = "opaque-1";
    var request = new IdentityProviderLinkRequest();
    request.identityProviderLink = link;
    var answer = client.createUserLink(request);
    assertEquals(200, answer.status);
    assertNull(answer.successResponse);

    assertEquals("POST", seen.method);
    assertEquals(LINK, seen.target);
    assertEquals("the-key", seen.headers.getFirst("Authorization"));
    assertEquals("application/json", seen.headers.getFirst("Content-Type"));
    assertEquals(String.valueOf(seen.body.length), seen.headers.getFirst("Content-Length"));
    assertFalse(seen.headers.containsKey("Accept-Encoding"));
    assertFalse(seen.headers.containsKey("X-FusionAuth-TenantId"));
    assertTrue(seen.headers.getFirst("User-Agent").startsWith("Restify ("), seen.headers.getFirst("User-Agent"));
    assertTrue(seen.text().contains("Änne"), "not raw UTF-8: " + seen.text());
    var expected = "{'identityProviderLink':{'displayName':'Änne','identityProviderId':'%s','identityProviderUserId':'sub ü<&>',"
        + "'token':'opaque-1','userId':'%s'}}";
    assertJson(expected.formatted(P, A));
  }

  @Test
  @SuppressWarnings("deprecation")
  void theDeprecatedSettersSendTheLinkObjectToo() throws IOException {
    var request = new IdentityProviderLinkRequest();
    request.setDisplayName("ann");
    request.setIdentityProviderId(P);
    request.setIdentityProviderUserId("sub");
    request.setUserId(A);
    client.createUserLink(request);
    assertJson(("{'identityProviderLink':{'displayName':'ann','identityProviderId':'%s','identityProviderUserId':'sub','userId':'%s'}}")
        .formatted(P, A));
  }

  @Test
  void completingSendsThePendingId() throws IOException {
    var request = new IdentityProviderLinkRequest();
    request.pendingIdPLinkId = "pending-1";
    request.identityProviderLink = new IdentityProviderLink(null, null, A);
    client.createUserLink(request);
    assertJson("{'identityProviderLink':{'userId':'%s'},'pendingIdPLinkId':'pending-1'}".formatted(A));
  }

  @Test
  void queriesAreInTheOrderOfTheArgumentsAndFormEncoded() {
    client.setTenantId(T).retrieveUserLink(P, "a b+c/ü&=", A);
    assertEquals("GET", seen.method);
    assertEquals(
        LINK + "?identityProviderId=" + P + "&identityProviderUserId=a+b%2Bc%2F%C3%BC%26%3D&userId=" + A, seen.target);
    assertEquals(T.toString(), seen.headers.getFirst("X-FusionAuth-TenantId"));
    assertEquals(0, seen.body.length);
    client.deleteUserLink(P, "sub", A);
    assertEquals("DELETE", seen.method);
    assertEquals(LINK + "?identityProviderId=" + P + "&identityProviderUserId=sub&userId=" + A, seen.target);
    assertEquals(0, seen.body.length);
  }

  @Test
  void nullArgumentsAreLeftOut() {
    client.retrieveUserLinksByUserId(null, A);
    assertEquals(LINK + "?userId=" + A, seen.target);
    client.retrieveUserLink(P, "sub", null);
    assertEquals(LINK + "?identityProviderId=" + P + "&identityProviderUserId=sub", seen.target);
    client.retrievePendingLink("pending-1", null);
    assertEquals(LINK + "/pending/pending-1", seen.target);
    client.retrievePendingLink("pending-1", A);
    assertEquals(LINK + "/pending/pending-1?userId=" + A, seen.target);
  }

  @Test
  void anEmptyKeyIsNotSent() {
    new FusionAuthClient("", "http://127.0.0.1:" + server.getAddress().getPort()).retrieveUserLinksByUserId(null, A);
    assertFalse(seen.headers.containsKey("Authorization"));
  }

  private void assertJson(String expected) throws IOException {
    var mapper = new ObjectMapper();
    assertEquals(mapper.readTree(expected.replace('\'', '"')), mapper.readTree(seen.body));
  }
}
