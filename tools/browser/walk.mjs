// Clicks through social logins in a real browser: `node walk.mjs BROWSER SERVICE PROVIDER PORT`.
//
// At PORT it serves `app.html`, as an application would that has Doorbook as its backend. It does not judge: it prints one line
// of JSON that says what each walk saw, by its name.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [executablePath, service, provider, port] = process.argv.slice(2);
const app = `http://localhost:${port}`;
const html = readFileSync(new URL('app.html', import.meta.url), 'utf8').replaceAll('SERVICE', service);

/** While this is set, the page stops before it hands on what the provider sent. */
let held = false;
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(held && request.url.startsWith('/auth/') ? '<!doctype html><title>Held</title>' : html);
});
await new Promise((resolve) => server.listen(Number(port), 'localhost', resolve));

const browser = await chromium.launch({
  executablePath,
  // The sandbox cannot be had as root. Nothing but this machine is reached: the provider's pages would load a font.
  args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
});

/** A person's browser, and the paths of the provider that a page was shown of. */
async function person() {
  const context = await browser.newContext();
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const seen = [];
  page.on('framenavigated', (frame) => {
    if (frame.url().startsWith(provider)) seen.push(new URL(frame.url()).pathname.split('/')[1]);
  });
  return { context, page, seen };
}

/** Logs in at the provider under a name, and agrees to what Doorbook wants to know. */
async function agree({ page }, name) {
  await page.fill('input[name=login]', name);
  await page.fill('input[name=password]', 'whatever');
  await page.click('button[type=submit]');
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function start({ page }, element) {
  await page.goto(app);
  await page.click(element);
}

async function outcome({ page }) {
  await page.waitForFunction(() => document.querySelector('#outcome')?.textContent);
  return { ...JSON.parse(await page.textContent('#outcome')), url: page.url() };
}

async function cookies({ context }) {
  const all = await context.cookies(service);
  return all.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }));
}

/** What was ended with, and what of it scripts can read. */
async function arrived(somebody) {
  const { page, seen } = somebody;
  await page.waitForURL((url) => url.href.startsWith(service));
  const [url, text] = [page.url(), await page.textContent('body')];
  await page.goto(service);
  const readable = await page.evaluate(() => document.cookie);
  return { url, text, seen: [...seen], cookies: await cookies(somebody), readable };
}

async function redirects() {
  const ada = await person();
  await start(ada, '#link');
  await agree(ada, 'ada');
  const first = await arrived(ada);
  // Signed out here, and still logged in there.
  await ada.context.clearCookies({ domain: 'localhost' });
  ada.seen.length = 0;
  await start(ada, '#link');
  const again = await arrived(ada);
  return { first, again };
}

async function pages() {
  const ada = await person();
  await start(ada, '#button');
  await agree(ada, 'ada');
  const first = await outcome(ada);
  return { ...first, seen: ada.seen, cookies: await cookies(ada) };
}

/** Somebody is lured to the callback of a flow that another browser began. */
async function callbackOfAnother() {
  const [ada, eve] = [await person(), await person()];
  held = true;
  await start(eve, '#button');
  await agree(eve, 'eve');
  await eve.page.waitForURL((url) => url.pathname === '/auth/real/callback');
  held = false;
  const callback = eve.page.url();
  await ada.page.goto(callback);
  const lured = { ...(await outcome(ada)), cookies: await cookies(ada) };
  await eve.page.goto(callback);
  const own = await outcome(eve);
  await eve.page.goto(callback);
  return { lured, own, twice: await outcome(eve) };
}

/** Somebody agrees at the provider to what another browser asked for. */
async function departureOfAnother() {
  const [ada, eve] = [await person(), await person()];
  let departure;
  eve.page.on('request', (request) => {
    if (request.url().startsWith(`${provider}/auth?`)) departure = request.url();
  });
  await start(eve, '#link');
  await eve.page.waitForSelector('input[name=login]');
  await ada.page.goto(departure);
  await agree(ada, 'ada');
  const lured = await arrived(ada);
  await agree(eve, 'eve');
  return { lured, own: await arrived(eve) };
}

try {
  const walks = { redirects, pages, callbackOfAnother, departureOfAnother };
  const told = {};
  for (const [name, walk] of Object.entries(walks)) {
    told[name] = await walk();
  }
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
  server.close();
}
