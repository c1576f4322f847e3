// A real OpenID provider for one test: prints its port, lets anybody in under the name they type.
import { Provider } from "oidc-provider";
import { createServer } from "node:http";

const [client, secret, back] = process.argv.slice(2);
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client,
        client_secret: secret,
        redirect_uris: [back],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    claims: { openid: ["sub"], auth_time: null },
    cookies: { keys: ["made up, for a test"] },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
