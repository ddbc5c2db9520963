package linkbridge.sdk;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.inversoft.error.Errors;
import com.inversoft.rest.ClientResponse;
import com.inversoft.rest.JSONBodyHandler;
import io.fusionauth.client.FusionAuthClient;
import io.fusionauth.domain.api.identityProvider.IdentityProviderLinkResponse;
import java.util.Map;
import java.util.UUID;

/** The fixtures of the vendor reference, section 9, and the server under test. */
final class Fixtures {
  static final UUID T = UUID.fromString("48426136-8eb7-49d5-81f3-9280b146a334");
  static final UUID A = UUID.fromString("206a5101-bf29-487c-af8f-7485ca48d6d5");
  static final UUID B = UUID.fromString("61c44860-f2a2-4b8f-9af3-e345dbcd4e5d");
  static final UUID Z = UUID.fromString("a30004e5-b082-445d-a7bd-42eb86398b6e");
  static final UUID P = UUID.fromString("74c21534-2ecf-4c14-8b0a-444622bedf4b");
  static final UUID G = UUID.fromString("82339786-3dff-42a6-aac6-1f1ceecb6c46");

  static final String LINK = "/api/identity-provider/link";
  static final String URL = need("LINKBRIDGE_URL");
  static final String KEY = need("LINKBRIDGE_KEY");
  static final String READER_KEY = need("LINKBRIDGE_READER_KEY");

  private Fixtures() {}

  private static String need(String name) {
    var value = System.getenv(name);
    assertNotNull(value, name + " is not set");
    return value;
  }

  /**
   * The client's methods take UUIDs, so that they cannot send anything else. This says the same calls with text, over
   * the client's own transport and with its own reading of the answer: `start` is what its methods begin with.
   */
  static final class Untyped extends FusionAuthClient {
    Untyped(String key, String url) {
      super(key, url);
    }

    ClientResponse<IdentityProviderLinkResponse, Errors> retrieve(Map<String, String> parameters) {
      var call = start(IdentityProviderLinkResponse.class, Errors.class).uri(LINK);
      parameters.forEach(call::urlParameter);
      return call.get().go();
    }

    ClientResponse<IdentityProviderLinkResponse, Errors> delete(Map<String, String> parameters) {
      var call = start(IdentityProviderLinkResponse.class, Errors.class).uri(LINK);
      parameters.forEach(call::urlParameter);
      return call.delete().go();
    }

    ClientResponse<IdentityProviderLinkResponse, Errors> create(Map<String, ?> link) {
      var body = new JSONBodyHandler(Map.of("identityProviderLink", link), objectMapper);
      return start(IdentityProviderLinkResponse.class, Errors.class).uri(LINK).bodyHandler(body).post().go();
    }
  }
}
