// One message, in a channel or in a thread.
import { blocks } from './blocks.js';
import { el, svg } from './dom.js';
import { mrkdwn } from './mrkdwn.js';
import { clock, dated, full, moment } from './time.js';

const colours = ['#2b6cb0', '#b7410e', '#2f855a', '#8b3a8b', '#a8442a', '#00707c', '#6b46c1', '#8a6d00'];

// face is a person's initials on a colour of their own, or the app's shield.
export function face(user, size = '') {
  const f = el(`span.face-of${size && `.${size}`}`, { 'aria-hidden': 'true' });
  const name = user?.real_name || user?.name || '?';
  if (user?.bot) {
    f.classList.add('bot');
    f.append(user.app ? svg('shield') : name.slice(0, 1).toUpperCase());
    return f;
  }
  const sum = [...(user?.id ?? '')].reduce((n, c) => (n * 31 + c.charCodeAt(0)) % 9973, 7);
  f.style.backgroundColor = colours[sum % colours.length];
  f.append(name.split(/\s+/).slice(0, 2).map((w) => w.slice(0, 1)).join('').toUpperCase());
  return f;
}

// message renders m. "how" says where: {compact, root, place, open(thread)}.
export function message(m, world, how) {
  const user = { ...m.user, ...world.user(m.user?.id) };
  const name = user.real_name || user.name || user.id;
  const at = moment(m.ts);
  const classes = `message${how.compact ? '.compact' : ''}${m.ephemeral ? '.ephemeral' : ''}`;
  const node = el(`article.${classes}`, { 'data-ts': m.ts, 'aria-label': `${name}, ${full(at)}` },
    el('div.gutter', {}, how.compact ? stamp(m, at, true) : face(user)),
    el('div.content', {},
      m.ephemeral && el('div.only', {}, svg('eye'), 'Only visible to you'),
      m.broadcast && el('div.only', {}, svg('reply'), how.open ? el('button.replied', { type: 'button', onclick: () => how.open(m.thread_ts) }, 'replied to a thread') : 'Also sent to the channel'),
      !how.compact && el('div.by', {}, el('strong.name', {}, name), user.bot && el('span.app', {}, 'APP'), stamp(m, at)),
      body(m, world, how.place),
      m.warning && el('div.warned', { role: 'alert' }, svg('warning'), el('span', {}, m.warning)),
      how.open && m.replies?.length > 0 && replies(m, world, how.open)),
    how.open && !m.ephemeral && el('div.tools', {}, el('button.icon', { type: 'button', 'aria-label': 'Reply in thread', title: 'Reply in thread', onclick: () => how.open(m.broadcast ? m.thread_ts : m.ts) }, svg('reply'))));
  node.place = how.place;
  return node;
}

function stamp(m, at, short = false) {
  return el('time.time', { datetime: Number.isNaN(at.getTime()) ? null : at.toISOString(), title: full(at) }, short ? clock(at).replace(/ .M$/, '') : clock(at));
}

// body is the blocks, or the text where there are none.
function body(m, world, place) {
  const edited = m.edited && el('span.edited', { title: m.edits > 1 ? `${m.edits} times` : null }, '(edited)');
  if (m.blocks?.length) return el('div.body', {}, blocks(m.blocks, world, place), edited);
  return el('div.body', {}, el('div.text', {}, mrkdwn(m.text, world, 'addresses'), edited && ' ', edited));
}

function replies(m, world, open) {
  const people = [...new Map(m.replies.map((r) => [r.user?.id, { ...r.user, ...world.user(r.user?.id) }])).values()].slice(0, 4);
  const n = m.replies.length;
  return el('button.replies', { type: 'button', onclick: () => open(m.ts) }, people.map((u) => face(u, 'small')),
    el('span.count', {}, `${n} ${n === 1 ? 'reply' : 'replies'}`), el('span.muted', {}, 'Last reply ', dated(m.replies.at(-1).ts, '{ago}')));
}
