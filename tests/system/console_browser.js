// A person at /console/ in a real Chromium: finds a customer, pages, filters, links; by the number of who
// rings; on a phone and in the dark as well. Prints what was seen as one JSON document, and leaves screenshots in FOLDER.
// Usage: node console_browser.js CHROMIUM URL FOLDER CUSTOMER_ID
'use strict';

const { chromium } = require('playwright-core');

const [executablePath, url, folder, customer] = process.argv.slice(2);
// Chromium asks for nothing but our own pages.
const args = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const seen = { troubles: [], foreign: [] };

function watch(page) {
  page.setDefaultTimeout(30000);
  page.on('pageerror', (error) => seen.troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && seen.troubles.push(message.text()));
  page.on('request', (request) => request.url().startsWith(url) || seen.foreign.push(request.url()));
}

async function find(page, id) {
  await page.getByLabel('Customer id').fill(id);
  const answered = page.waitForResponse((response) => response.url().includes('/view'));
  await page.keyboard.press('Enter');
  await answered;
  await page.waitForFunction(() => !document.getElementById('status').textContent.startsWith('Reading'));
}

const texts = (page, selector) => page.locator(selector).allInnerTexts();

async function onADesk(browser) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US' })).newPage();
  watch(page);
  const answer = await page.goto(`${url}/console`);
  seen.policy = answer.headers()['content-security-policy'];
  seen.arrivedAt = page.url();
  await page.waitForFunction(() => performance.getEntriesByName(new URL('/openapi.json', location).href).length > 0);
  seen.lookupShown = await page.getByLabel('or phone or e-mail').isVisible();
  // By keyboard alone: the first stop is the field, the next the button.
  await page.keyboard.press('Tab');
  seen.firstStop = await page.evaluate(() => document.activeElement.id);
  await find(page, customer);
  await page.getByRole('heading', { level: 2 }).waitFor();
  seen.heading = await page.getByRole('heading', { level: 2 }).innerText();
  seen.focus = await page.evaluate(() => document.activeElement.id);
  seen.title = await page.title();
  seen.sections = await texts(page, 'h3');
  seen.profile = await page.locator('section[aria-label=Profile]').innerText();
  seen.cases = await texts(page, 'section[aria-label=Cases] li');
  seen.orders = await texts(page, 'section[aria-label=Orders] li');
  seen.gaps = await texts(page, '#gaps li');
  seen.injected = await page.evaluate(() => window.injected ?? null);
  seen.events = (await texts(page, '#events > li')).length;
  await page.screenshot({ path: `${folder}/desk.png`, fullPage: true });

  await page.getByRole('button', { name: 'Older events' }).click();
  await page.waitForFunction((before) => document.querySelectorAll('#events > li').length > before, seen.events);
  seen.eventsAfterOlder = (await texts(page, '#events > li')).length;
  await page.getByRole('button', { name: 'All orders' }).click();
  await page.waitForFunction((before) => document.querySelectorAll('section[aria-label=Orders] li').length > before, seen.orders.length);
  seen.allOrders = (await texts(page, 'section[aria-label=Orders] li')).length;
  await page.getByLabel('Show').selectOption('service');
  await page.waitForFunction(() => document.querySelectorAll('#events > li').length === 1);
  await page.locator('#events summary').click();
  seen.details = await page.locator('#events > li').innerText();
  const address = page.url();
  await find(page, 'nobody');
  seen.unknown = await page.getByRole('status').innerText();
  seen.viewOfUnknown = await page.locator('#view').isVisible();
  return address;
}

async function onAPhone(browser, address) {
  const context = await browser.newContext({
    viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, colorScheme: 'dark', locale: 'en-US',
  });
  const page = await context.newPage();
  watch(page);
  await page.goto(address);
  await page.getByRole('heading', { level: 2 }).waitFor();
  seen.linked = await page.getByRole('heading', { level: 2 }).innerText();
  seen.phoneOverflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  seen.darkPage = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  seen.unlabelled = await page.evaluate(() => [...document.querySelectorAll('input, select')]
    .filter((field) => field.labels.length === 0).map((field) => field.id));
  seen.smallTargets = await page.evaluate(() => [...document.querySelectorAll('input, select, button')]
    .filter((it) => it.offsetParent && it.getBoundingClientRect().height < 40).map((it) => it.id || it.textContent));
  await page.screenshot({ path: `${folder}/phone.png` });
  await page.screenshot({ path: `${folder}/phone-all.png`, fullPage: true });
}

// Somebody rings: the number as it is dialled here, and the caller is on the page; the other one who
// has that number is a click away.
async function whenSomebodyRings(browser) {
  const page = await (await browser.newContext({ locale: 'en-US' })).newPage();
  watch(page);
  await page.goto(`${url}/console/`);
  seen.asked = [];
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith('/v1/')) seen.asked.push(pathname + search);
  });
  await page.getByLabel('or phone or e-mail').fill('(415) 555-2671');
  await page.keyboard.press('Enter');
  await page.locator('#events > li').first().waitFor();
  seen.caller = await page.getByRole('heading', { level: 2 }).innerText();
  seen.callerFocus = await page.evaluate(() => document.activeElement.id);
  seen.why = await page.getByRole('status').innerText();
  seen.others = await texts(page, '#matches li');
  seen.reached = await texts(page, 'section[aria-label="Contact points"] li');
  seen.related = await texts(page, 'section[aria-label=Relationships] li');
  seen.callerSections = await texts(page, 'h3');
  await page.screenshot({ path: `${folder}/rings.png`, fullPage: true });
  await page.locator('#matches a').click();
  await page.getByRole('heading', { level: 2, name: 'Bob' }).waitFor();
  seen.matchesOfOther = await page.locator('#matches').isVisible();
  await page.goBack();
  await page.getByRole('heading', { level: 2, name: seen.caller }).waitFor();
  await page.getByLabel('or phone or e-mail').fill('nobody@example.com');
  await page.keyboard.press('Enter');
  await page.getByText('Nobody is reached there.').waitFor();
  seen.viewOfNobody = await page.locator('#view').isVisible();
}

// A deployment one of whose services is down and another is not there: as its answers would be.
async function withOtherAnswers(browser) {
  const page = await (await browser.newContext({ locale: 'en-US' })).newPage();
  watch(page);
  await page.route('**/v1/customers:view?*', async (route) => {
    seen.lookedUp = new URL(route.request().url()).search;
    const found = await (await route.fetch()).json();
    const missingParts = [{ part: 'orders', status: { code: 14, message: 'no owner' } }];
    const view = { ...found.view, orders: undefined, missingParts, notInstalled: ['campaigns'] };
    await route.fulfill({ json: { ...found, view } });
  });
  await page.goto(`${url}/console/`);
  await page.getByLabel('or phone or e-mail').fill('ada@example.com');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('heading', { level: 2 }).waitFor();
  seen.foundByMail = await page.getByRole('heading', { level: 2 }).innerText();
  seen.otherGaps = await texts(page, '#gaps li');
  seen.otherSections = await texts(page, 'h3');
  seen.addressAfterLookup = page.url();
}

async function main() {
  const browser = await chromium.launch({ executablePath, args });
  try {
    const address = await onADesk(browser);
    await onAPhone(browser, address);
    await whenSomebodyRings(browser);
    await withOtherAnswers(browser);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error, JSON.stringify(seen));
  process.exit(1);
});
