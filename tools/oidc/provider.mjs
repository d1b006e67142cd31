// A certified OpenID provider for one test: `node provider.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI…`.
// Whoever comes is Ada, and agrees. It says `ready` once it listens, and ends with its standard input.

import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [port, client_id, client_secret, ...redirect_uris] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id, client_secret, redirect_uris }],
  cookies: { keys: ['of these tests only'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  async findAccount(_, sub) {
    const claims = { sub, email: 'ada@example.org', email_verified: true, name: 'Ada' };
    return { accountId: sub, claims: async () => claims };
  },
});

async function agree(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: 'ada-at-the-provider' } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

const handle = provider.callback();
const server = createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) return handle(request, response);
  return agree(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
server.listen(Number(port), 'localhost', () => console.log('ready'));
process.stdin.on('end', () => process.exit()).resume();
