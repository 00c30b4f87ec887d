// A real OpenID provider in the place of Entra, for the tests of the Graph channel.
//
// It takes client credentials only, and gives RS256 tokens for the audience that the scope names.
// Settings come as one JSON object in the first argument: { key, cert, app, clients, tenant,
// audiences }. The first three are files in PEM form. A client is { id, secret, roles }: with a
// secret it shows that, without one it signs its assertion with PS256 by the key of app.
// When it listens it prints one line: READY <issuer>.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import { Provider } from 'oidc-provider';

const { key, cert, app, clients, tenant, audiences } = JSON.parse(process.argv[2]);
const scopes = audiences.map((audience) => `${audience}/.default`);
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
    clients: clients.map(({ id, secret }) => ({
      client_id: id,
      ...(secret
        ? { token_endpoint_auth_method: 'client_secret_post', client_secret: secret }
        : {
            token_endpoint_auth_method: 'private_key_jwt',
            jwks: { keys: [{ ...clientKey, use: 'sig' }] },
          }),
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    })),
    extraTokenClaims: (_, token) => {
      const { roles } = clients.find(({ id }) => id === token.clientId);
      return roles ? { roles } : undefined;
    },
    enabledJWA: { clientAuthSigningAlgValues: ['PS256'] },
    scopes: ['openid', ...scopes],
    jwks: {
      keys: [{ ...signing.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'test' }],
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) =>
          audiences.find((audience) => ctx.oidc.params.scope === `${audience}/.default`),
        useGrantedResource: () => true,
        getResourceServerInfo: (_, audience) => ({
          scope: `${audience}/.default`,
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
