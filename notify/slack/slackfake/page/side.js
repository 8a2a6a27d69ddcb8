// The list of conversations on the left.
import { el, redo, svg } from './dom.js';
import { face } from './message.js';

// side draws the list into a node. at is where the reader is.
export function side(node, world, at) {
  const is = [world.me.id, world.team, world.app, at.channel, world.channels.map((c) => [c.id, c.name, c.archived, c.unread, world.mentions(c)])];
  redo(node, JSON.stringify(is), () => list(world, at));
}

function list(world, at) {
  const talks = world.channels.filter((c) => c.im && c.with && !world.user(c.with)?.bot);
  return [
    el('div.team', {}, world.team.name ?? ''),
    group('Channels', world.channels.filter((c) => !c.im).map((c) => row(c.id, svg(c.private ? 'lock' : 'hash', c.private ? 'private' : ''), c.name, c, world, at))),
    talks.length > 0 && group('Direct messages', talks.map((c) => row(c.id, face(world.user(c.with), 'small'), nameOf(world.user(c.with)), c, world, at))),
    group('Apps', [app(world, at)]),
  ];
}

const nameOf = (u) => u?.real_name || u?.name || '';

function group(title, rows) {
  const id = `side-${title.replace(/\W/g, '')}`;
  return [el('h2', { id }, title), el('ul', { 'aria-labelledby': id }, rows)];
}

// app is the bot: its Home tab, or its messages where there are new ones.
function app(world, at) {
  const talk = talkWith(world);
  const here = at.channel === 'home' || (talk && at.channel === talk.id);
  return row(talk?.unread ? talk.id : 'home', face(world.app, 'small'), nameOf(world.app) || 'App', talk ?? {}, world, at, here);
}

// talkWith is the direct message of the app and the reader.
export function talkWith(world) {
  return world.channels.find((c) => c.im && world.user(c.with)?.bot);
}

function row(id, mark, name, c, world, at, here = at.channel === id) {
  const unread = !here && (c.unread ?? 0) > 0;
  const count = unread && (c.im ? c.unread : world.mentions(c));
  return el('li', {}, el(`a.row${unread ? '.unread' : ''}${c.archived ? '.archived' : ''}`,
    { href: world.href({ channel: id }), 'data-channel': id, 'aria-current': here ? 'page' : null, onclick: (ev) => world.go(ev, { channel: id }) },
    mark, el('span.label', {}, name), count > 0 && el('span.badge', { 'aria-label': `${count} new` }, String(count)),
    unread && !count && el('span.hidden', {}, 'unread')));
}
