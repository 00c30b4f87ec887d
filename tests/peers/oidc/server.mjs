// A real OpenID provider in the place of Entra, for the tests of the Graph channel.
//
// It takes client credentials only, from one client, who signs its assertion with PS256, and gives
// RS256 tokens for one audience. Settings come as one JSON object in the first argument:
// { key, cert, app, client, tenant, audience } (the first three are files in PEM form).
// When it listens it prints one line: READY <issuer>.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import { Provider } from 'oidc-provider';

const { key, cert, app, client, tenant, audience } = JSON.parse(process.argv[2]);
const scope = `${audience}/.default`;
const base = `/${tenant}/v2.0`;

const clientKey = crypto.createPublicKey(fs.readFileSync(app)).export({ format: 'jwk' });
const signing = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

let answer = (request, response) => response.writeHead(503).end();

const server = https.createServer(
  { key: fs.readFileSync(key), cert: fs.readFileSync(cert) },
  (request, response) => answer(request, response),
);

server.listen(0, '127.0.0.1', () => {
  const issuer = `https://localhost:${server.address().port}${base}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...clientKey, use: 'sig' }] },
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    enabledJWA: { clientAuthSigningAlgValues: ['PS256'] },
    scopes: ['openid', scope],
    jwks: {
      keys: [{ ...signing.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'test' }],
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope,
          audience,
          accessTokenTTL: 3599,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  const inner = provider.callback();
  answer = (request, response) => {
    if (!request.url.startsWith(base)) {
      response.writeHead(404).end();
      return;
    }
    request.originalUrl = request.url;
    request.url = request.url.slice(base.length) || '/';
    inner(request, response);
  };
  console.log(`READY ${issuer}`);
});
