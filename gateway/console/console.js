// One customer on one page. It only reads, through the same REST API as everybody; the customer that
// is shown stands behind the # of the address, so that a view can be linked to.
import { element, facts, lastPart, money, row, time, words } from './text.js';

const TIMELINE_PAGE = 20;
const LIST_PAGE = 50;
// As many as the view holds: then there may be more.
const VIEW_ROWS = { cases: 10, orders: 10 };
const LOOKUP = '/v1/customers:lookup';

const byId = (id) => document.getElementById(id);
let lookupParameters = [];
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

const ROWS = {
  cases: (it) => row(it.subject, time(it.occurTime), [it.state, it.kind, it.priority].map(words).join(' · '),
    it.assignee, it.resolution?.remedy),
  orders: (it) => row(money(it.total), time(it.occurTime), `${words(it.state)} · ${it.lines?.length ?? 0} lines`,
    lastPart(it.name), it.salesPoint, it.note),
  interactions: (it) => row(it.summary, time(it.occurTime), [it.channel, it.direction].map(words).join(' · '), it.agent),
  campaigns: (it) => row(it.campaign?.displayName ?? lastPart(it.membership.campaign), time(it.membership.occurTime),
    words(it.membership.state), it.membership.response),
};

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

function titled(part) {
  return part[0].toUpperCase() + part.slice(1);
}

function section(title, ...content) {
  return element('section', { ariaLabel: title }, element('h3', {}, title), ...content);
}

// Rows of the view; where it holds as many as it may, a button reads the whole list page by page.
function listPart(part, rows, name) {
  const list = element('ul', {}, ...rows.map(ROWS[part]));
  const made = section(titled(part), rows.length ? list : element('p', { className: 'faint' }, 'None'));
  if (rows.length === VIEW_ROWS[part]) {
    const more = element('button', { type: 'button' }, `All ${part}`);
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
      more.textContent = `Older ${part}`;
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
  const gone = new Set([...absent, ...missing.map((it) => it.part)]);
  byId('parts').replaceChildren(
    ...(view.customer ? [customerPart(view.customer)] : []),
    ...(view.profile ? [profilePart(view.profile)] : []),
    ...Object.keys(ROWS).filter((part) => !gone.has(part)).map((part) => listPart(part, view[part] ?? [], name)),
  );
  byId('view').hidden = false;
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

async function show() {
  const name = decodeURIComponent(location.hash.slice(1));
  ++asked;
  const mine = asked;
  byId('view').hidden = byId('matches').hidden = true;
  document.title = 'Rapport';
  if (!name) return say('Find a customer by its id.');
  byId('id').value = lastPart(name);
  say('Reading…');
  await showing(async () => {
    const path = name.split('/').map(encodeURIComponent).join('/');
    // Without marketing there are no figures.
    const figures = get(`/v1/${path}/profile`).catch(() => undefined);
    const [view, profile] = await Promise.all([get(`/v1/${path}/view`), figures, showTimeline(path, true)]);
    if (mine !== asked) return;
    showView({ ...view, profile }, path);
    document.title = `${byId('who').textContent} – Rapport`;
    say('');
    byId('who').focus();
  });
}

// Where the deployment finds customers by phone and e-mail, its description says by which parameters.
async function offerLookup() {
  const { paths = {} } = await get('/openapi.json');
  lookupParameters = (paths[LOOKUP]?.get?.parameters ?? []).filter((it) => it.in === 'query').map((it) => it.name);
  byId('lookup').hidden = lookupParameters.length === 0;
}

async function lookUp(text) {
  const wanted = text.includes('@') ? /e?mail/i : /phone|number/i;
  const parameter = lookupParameters.find((name) => wanted.test(name)) ?? lookupParameters[0];
  const answer = JSON.stringify(await get(LOOKUP, { [parameter]: text }));
  const names = [...new Set(answer.match(/(?<=")customers\/[a-z0-9-]+/g))];
  if (names.length === 0) return say('Nobody is reached there.', true);
  if (names.length === 1) return go(names[0]);
  say(`${names.length} customers`);
  byId('matches').replaceChildren(...names.map((name) => element('li', {}, element('a', { href: `#${name}` }, name))));
  byId('matches').hidden = false;
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
  if (contact) return showing(() => lookUp(contact));
  if (id) go(`customers/${id}`);
});
byId('older').addEventListener('click', () => showing(() => showTimeline(timeline.name, false)));
byId('service').addEventListener('change', () => showing(() => showTimeline(timeline.name, true)));
addEventListener('hashchange', show);
offerLookup().catch(() => {});
show();
