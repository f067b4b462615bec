// How values look to people. Everything ends in text nodes: what a customer wrote is never markup.

export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== ''));
  return made;
}

export function time(text) {
  if (!text) return '';
  const shown = new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return element('time', { dateTime: text, title: text }, shown);
}

// google.type.Date.
export function date({ year, month, day }) {
  return new Date(Date.UTC(year, month - 1, day)).toLocaleDateString(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
}

// Where a contact point reaches the customer.
export function address({ phone, email, postalAddress: post, messagingHandle: messaging }) {
  if (phone) return phone.extension ? `${phone.number} ext. ${phone.extension}` : phone.number;
  if (messaging) return `${messaging.network}: ${messaging.handle}`;
  if (post) return [...(post.addressLines ?? []), post.postalCode, post.locality, post.regionCode].filter(Boolean).join(', ');
  return email;
}

// google.type.Money, exactly: units and nanos are joined as text, never as a float.
export function money(amount) {
  if (!amount) return '';
  const { currencyCode = '', units = '0', nanos = 0 } = amount;
  const sign = nanos < 0 && !units.startsWith('-') ? '-' : '';
  const exact = `${sign}${units}.${String(Math.abs(nanos)).padStart(9, '0')}`;
  try {
    return new Intl.NumberFormat(undefined, { style: 'currency', currency: currencyCode }).format(exact);
  } catch {
    return `${exact} ${currencyCode}`;
  }
}

// BRANCH_VISIT → branch visit, CaseEscalated → Case escalated.
export function words(name = '') {
  if (name === name.toUpperCase()) return name.toLowerCase().replaceAll('_', ' ');
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export function lastPart(name = '') {
  return name.split('/').pop();
}

// A list of facts; empty ones are left out.
export function facts(pairs) {
  const list = element('dl', {});
  for (const [label, value] of pairs) {
    if (value === '' || value === undefined || value === null) continue;
    list.append(element('dt', {}, label), element('dd', {}, value));
  }
  return list;
}

// One entry of a list: two ends of a line, and what stands below.
export function row(left, right, ...below) {
  const under = below.filter((text) => text);
  const line = element('div', { className: 'row' }, element('span', {}, left), right || '');
  return element('li', {}, line, ...under.map((text) => element('div', { className: 'faint' }, text)));
}
