// One customer on one page. It only reads, through the same REST API as everybody; the customer that
// is shown stands behind the # of the address, so that a view can be linked to.
import { address, date, element, facts, lastPart, money, row, time, words } from './text.js';

const TIMELINE_PAGE = 20;
const LIST_PAGE = 50;
// As many as the view holds: then there may be more.
const VIEW_ROWS = { cases: 10, orders: 10, opportunities: 10, contactPoints: 20, relationships: 20 };
// Shown only where there are some; of the others it says something that there are none.
const ONLY_IF_ANY = new Set(['contactPoints', 'relationships', 'opportunities']);

const byId = (id) => document.getElementById(id);
// Answers that come after another customer was asked for are dropped.
let asked = 0;

async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const answer = await fetch(query.size ? `${path}?${query}` : path);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.message ?? `${answer.status} at ${path}`);
  return body;
}

function say(text, isError = false) {
  byId('status').textContent = text;
  byId('status').classList.toggle('error', isError);
}

// Of several wishes the latest holds.
function isPreferred(it, all) {
  return Boolean(it.preferTime) &&
    all.every((other) => !(Date.parse(other.preferTime) > Date.parse(it.preferTime)));
}

const ROWS = {
  contactPoints: (it, _, all) => row(address(it), it.displayName,
    [isPreferred(it, all) && 'preferred', it.verification && 'verified'].filter(Boolean).join(' · ')),
  opportunities: (it) => row(it.displayName, money(it.amount), [it.state, it.stage].map(words).join(' · '),
    it.expectedCloseDate && `expected by ${date(it.expectedCloseDate)}`, it.owner),
  cases: (it) => row(it.subject, time(it.occurTime), [it.state, it.kind, it.priority].map(words).join(' · '),
    it.assignee, it.resolution?.remedy),
  orders: (it) => row(money(it.total), time(it.occurTime), `${words(it.state)} · ${it.lines?.length ?? 0} lines`,
    lastPart(it.name), it.salesPoint, it.note),
  interactions: (it) => row(it.summary, time(it.occurTime), [it.channel, it.direction].map(words).join(' · '), it.agent),
  campaigns: (it) => row(it.campaign?.displayName ?? lastPart(it.membership.campaign), time(it.membership.occurTime),
    words(it.membership.state), it.membership.response),
  relationships: (it) => row(link(it.object, lastPart(it.object)), words(it.type),
    [it.fromDate && `from ${date(it.fromDate)}`, it.toDate && `to ${date(it.toDate)}`].filter(Boolean).join(' '),
    it.description),
};

function link(name, text) {
  return element('a', { href: `#${name}` }, text);
}

function customerPart(it) {
  const labels = Object.entries(it.labels ?? {}).map(([key, value]) => `${key}: ${value}`).join(', ');
  return section('Customer', facts([
    ['Name', it.name], ['Kind', words(it.kind)], ['Roles', (it.roles ?? []).map(words).join(', ')],
    ['Owner', it.owner], ['About', it.description], ['Labels', labels],
    ['Since', time(it.occurTime)], ['Changed', time(it.updateTime)], ['Deleted', time(it.deleteTime)],
  ]));
}

// Figures of a profile, whichever they are: amounts, numbers, states and times.
function profilePart(it) {
  const shown = (value) => {
    if (Array.isArray(value)) return value.map(shown).join('; ');
    if (typeof value !== 'object') return /^\d{4}-\d\d-\d\dT/.test(value) ? time(value) : words(String(value));
    if (value.currencyCode) return money(value);
    return Object.entries(value).map(([key, one]) => `${words(key)} ${shown(one)}`).join(', ');
  };
  const figures = Object.entries(it).filter(([key]) => !['name', 'etag', 'uid'].includes(key));
  return section('Profile', facts(figures.map(([key, value]) => [words(key), shown(value)])));
}

// contactPoints, contact_points → Contact points.
function titled(part) {
  const spaced = words(part).replaceAll('_', ' ');
  return spaced[0].toUpperCase() + spaced.slice(1);
}

// How JSON spells a part of the view that is said by its proto name.
function spelled(part) {
  return part.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

function section(title, ...content) {
  return element('section', { ariaLabel: title }, element('h3', {}, title), ...content);
}

// Rows of the view; where it holds as many as it may, a button reads the whole list page by page.
function listPart(part, rows, name) {
  const list = element('ul', {}, ...rows.map(ROWS[part]));
  const made = section(titled(part), rows.length ? list : element('p', { className: 'faint' }, 'None'));
  if (rows.length === VIEW_ROWS[part]) {
    const more = element('button', { type: 'button' }, `All ${words(part)}`);
    const next = { page: 0, token: '' };
    more.onclick = () => showing(async () => {
      more.disabled = true;
      const page = await get(`/v1/${name}/${part}`, {
        orderBy: 'occur_time desc', pageSize: LIST_PAGE, pageToken: next.token,
      }).finally(() => { more.disabled = false; });
      if (next.page++ === 0) list.replaceChildren();
      list.append(...(page[part] ?? []).map(ROWS[part]));
      next.token = page.nextPageToken;
      more.hidden = !next.token;
      more.textContent = `Older ${words(part)}`;
    });
    made.append(more);
  }
  return made;
}

function gap(part, why) {
  return element('li', {}, `${titled(part)}: ${why}`);
}

function showView(view, name) {
  const absent = view.notInstalled ?? [];
  const missing = view.missingParts ?? [];
  byId('who').textContent = view.customer?.displayName ?? name;
  byId('gaps').replaceChildren(
    ...missing.map((it) => gap(it.part, `cannot be had just now (${it.status?.message ?? 'no reason'})`)),
    ...absent.map((part) => gap(part, 'not installed here')),
  );
  const gone = new Set([...absent, ...missing.map((it) => it.part)].map(spelled));
  const shown = Object.keys(ROWS).filter((part) => !gone.has(part) && (view[part] || !ONLY_IF_ANY.has(part)));
  byId('parts').replaceChildren(
    ...(view.customer ? [customerPart(view.customer)] : []),
    ...(view.profile ? [profilePart(view.profile)] : []),
    ...shown.map((part) => listPart(part, view[part] ?? [], name)),
  );
  byId('view').hidden = false;
  document.title = `${byId('who').textContent} – Rapport`;
  byId('who').focus();
}

// Why this customer was found by a phone or an e-mail, and who else it may be.
function showMatches([best, ...others], truncated) {
  const reasons = (match) => match.reasons.map(words).join(', ');
  say(`Found by ${reasons(best)}.${others.length ? ' It may also be:' : ''}`);
  byId('matches').replaceChildren(
    ...others.map((match) => element('li', {},
      link(match.customer.name, match.customer.displayName), ` ${reasons(match)}`)),
    ...(truncated ? [element('li', {}, 'and others')] : []),
  );
  byId('matches').hidden = others.length === 0;
}

function eventRow(event) {
  const details = element('details', {}, element('summary', {}, 'Details'), facts([
    ['About', event.subject], ['By', event.actor], ['Recorded', time(event.recordTime)],
    ['Request', event.requestId], ['Trace', event.traceparent],
  ]), element('pre', {}, JSON.stringify(event.fact, null, 2)));
  const made = row(words(event.type.split('.').pop()), time(event.occurTime), `${event.service} · ${event.subject}`);
  made.append(details);
  return made;
}

const timeline = { name: '', token: '', asked: 0 };

async function showTimeline(name, fresh) {
  const mine = ++timeline.asked;
  if (fresh) Object.assign(timeline, { name, token: '' });
  const service = byId('service').value;
  const page = await get(`/v1/${timeline.name}/timeline`, {
    pageSize: TIMELINE_PAGE, pageToken: timeline.token, filter: service && `service = "${service}"`,
  });
  if (mine !== timeline.asked) return;
  if (fresh) byId('events').replaceChildren();
  byId('events').append(...(page.events ?? []).map(eventRow));
  timeline.token = page.nextPageToken ?? '';
  byId('older').hidden = !timeline.token;
}

// Runs what asks the server; what goes wrong is said.
async function showing(work) {
  const mine = asked;
  try {
    await work();
  } catch (error) {
    if (mine === asked) say(error.message, true);
  }
}

// Clears what was shown. What is asked from now on is dropped once another customer is asked for.
function begin() {
  byId('view').hidden = byId('matches').hidden = true;
  document.title = 'Rapport';
  say('Reading…');
  return ++asked;
}

async function show() {
  const mine = begin();
  const name = decodeURIComponent(location.hash.slice(1));
  if (!name) return say('Find a customer by its id.');
  byId('id').value = lastPart(name);
  await showing(async () => {
    const path = name.split('/').map(encodeURIComponent).join('/');
    const [view] = await Promise.all([get(`/v1/${path}/view`), showTimeline(path, true)]);
    if (mine !== asked) return;
    say('');
    showView(view, path);
  });
}

// Without accounts nobody is found by phone or e-mail.
async function offerLookup() {
  const { paths = {} } = await get('/openapi.json');
  byId('lookup').hidden = !paths['/v1/customers:lookup'];
}

// One call finds the customer and brings the view; the timeline comes beside it.
async function lookUp(text) {
  const mine = begin();
  await showing(async () => {
    // As it is dialled here, unless it says of which country it is.
    const region = text.startsWith('+') ? '' : new Intl.Locale(navigator.language).region;
    const { view, matches, truncated } = await get('/v1/customers:view',
      text.includes('@') ? { email: text } : { phone: text, region });
    if (mine !== asked) return;
    if (!view) return say('Nobody is reached there.', true);
    const { name } = matches[0].customer;
    // Not location.hash, which would read the view again.
    history.pushState(null, '', `#${name}`);
    byId('id').value = lastPart(name);
    showMatches(matches, truncated);
    showView(view, name);
    await showTimeline(name, true);
  });
}

function go(name) {
  if (location.hash === `#${name}`) return show();
  location.hash = name;
}

byId('find').addEventListener('submit', (event) => {
  event.preventDefault();
  const contact = byId('contact').value.trim();
  const id = byId('id').value.trim().replace(/^customers\//, '');
  byId('contact').value = '';
  if (contact) return lookUp(contact);
  if (id) go(`customers/${id}`);
});
byId('older').addEventListener('click', () => showing(() => showTimeline(timeline.name, false)));
byId('service').addEventListener('change', () => showing(() => showTimeline(timeline.name, true)));
addEventListener('hashchange', show);
offerLookup().catch(() => {});
show();
