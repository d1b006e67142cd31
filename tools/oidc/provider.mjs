// A certified OpenID provider for one test: `node provider.mjs ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI…`.
// It says `ready` once it listens, and ends with its standard input.
//
// Whoever comes is Ada, and agrees. With PAGES=1 in the environment there are pages instead, on which a person logs in under
// any name and agrees: `ada` is Ada, too.

import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [issuer, client_id, client_secret, ...redirect_uris] = process.argv.slice(2);
const pages = process.env.PAGES === '1';

const provider = new Provider(issuer, {
  clients: [{ client_id, client_secret, redirect_uris }],
  cookies: { keys: ['of these tests only'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { devInteractions: { enabled: pages } },
  ...(pages ? {} : { interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` } }),
  pkce: { required: () => true },
  async findAccount(_, sub) {
    const [login] = sub.split('-');
    const name = login.charAt(0).toUpperCase() + login.slice(1);
    const claims = { sub, email: `${login}@example.org`, email_verified: true, name };
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
  if (pages || !request.url.startsWith('/interaction/')) return handle(request, response);
  return agree(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
const { hostname, port } = new URL(issuer);
server.listen(Number(port), hostname, () => console.log('ready'));
process.stdin.on('end', () => process.exit()).resume();
