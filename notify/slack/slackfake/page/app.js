// The page: where the reader is (the address says), the state of the workspace as the server tells it, and drawing one from the other.
import { blocks } from './blocks.js';
import { compose } from './compose.js';
import { modal } from './dialog.js';
import { el, fill, focused, redo, refocus, svg } from './dom.js';
import { face, message } from './message.js';
import { filled, place } from './place.js';
import { post, state as fetchState, toast, watch } from './server.js';
import { side, talkWith } from './side.js';
import { again, clockIs, dayName, moment } from './time.js';
import { fresh, world as look } from './world.js';

const $ = (id) => document.getElementById(id);
const between = 100; // ms from one question for the state to the next
const most = 200; // messages drawn of a channel; older ones on demand

let at = { user: sessionStorage.getItem('user') ?? '' };
at = read();
let state = null;
let world = null;
let drawn = ''; // which channel and thread are on the screen
let earlier = 0; // how many more of the older messages were asked for
let since = ''; // ts: what came after it is new to the reader
const failures = []; // what Slack said when a command failed: {channel, after, text}
const drafts = new Map();

// read is what the address says. A message's permalink has its ts, and thread_ts where it is a reply.
function read() {
  const q = new URLSearchParams(location.search);
  const said = (name) => q.get(name) ?? '';
  return { user: said('user') || at?.user || '', channel: said('channel'), thread: said('thread') || said('thread_ts'), ts: said('ts') };
}

// href is the address of another place; leaving out the thread closes it.
function href(change) {
  const q = { user: at.user, channel: at.channel, ...change };
  return `?${new URLSearchParams(Object.entries(q).filter(([, v]) => v))}`;
}

// go leads there without loading the page anew.
function go(ev, change) {
  if (ev && (ev.metaKey || ev.ctrlKey || ev.shiftKey)) return;
  ev?.preventDefault();
  const url = href(change);
  if (url !== location.search) history.pushState(null, '', url);
  arrive();
}

function arrive() {
  const before = { ...at };
  Object.assign(at, read());
  if (at.user === before.user && at.channel === before.channel && state) draw();
  if (at.channel === 'home' && (before.channel !== 'home' || before.user !== at.user)) openHome();
  refresh();
}

async function openHome() {
  try {
    await post('home', { user: at.user });
  } catch (err) {
    toast(`The Home tab could not be opened: ${err.message}`);
  }
}

let asking = false;
let more = false;

// refresh asks for the state: one question at a time, and one more when something changed meanwhile.
async function refresh() {
  more = true;
  if (asking) return;
  asking = true;
  try {
    while (more) {
      more = false;
      await ask();
      if (more) await new Promise((go) => setTimeout(go, between));
    }
  } finally {
    asking = false;
  }
}

async function ask() {
  const { user, channel } = at;
  const seen = !document.hidden && drawn === `${user} ${channel}`;
  let now;
  try {
    now = await fetchState(user, seen ? channel : '');
  } catch (err) {
    document.body.classList.toggle('offline', err.status === undefined);
    if (!state || err.status) toast(`The workspace does not say what ${user || 'anybody'} sees: ${err.message}`);
    if (err.status === 404 && user) {
      at.user = ''; // there is no such user: be the one that the workspace proposes
      more = true;
    }
    return;
  }
  document.body.classList.remove('offline');
  if (user !== at.user) return; // someone else looks now, and was asked for too
  state = now;
  clockIs(now.now);
  settle();
  draw();
  more ||= !seen && !document.hidden && world.channel(at.channel)?.unread > 0; // now they are read
}

// settle fills in what the address left open: who one is, and the first channel.
function settle() {
  const first = !at.user || !at.channel;
  at.user ||= state.me.id;
  at.channel ||= state.channels.find((c) => !c.im)?.id ?? 'home';
  if (first) history.replaceState(null, '', href({ thread: at.thread, ts: at.ts }));
  if (first && at.channel === 'home') openHome();
  sessionStorage.setItem('user', at.user);
}

function draw() {
  world = look(state, go, href);
  const channel = world.channel(at.channel);
  const where = `${at.user} ${at.channel}`;
  if (drawn !== where) moved(where, channel);
  document.title = `${channel ? shownName(channel) : 'Home'} · ${world.team.name ?? 'Slack fake'} · Slack fake`;
  drawTop();
  side($('side'), world, at);
  drawHead(channel);
  if (at.channel === 'home') drawHome();
  else drawChannel(channel);
  drawThread(channel);
  modal(at.user, state.views ?? [], world);
}

// moved is the arrival in another channel, or as another person.
function moved(where, channel) {
  drawn = where;
  earlier = 0;
  const unread = fresh(channel, at.user)[0]?.ts;
  since = channel?.messages.filter((m) => m.ts < unread).at(-1)?.ts ?? '';
  $('messages').replaceChildren();
  Object.assign($('home'), { is: '', place: null });
}

function drawTop() {
  $('note').textContent = `A stand-in for Slack: nothing leaves this machine.${state.connected === 0 ? ' No app is connected yet.' : ''}`;
  fill($('my-face'), face(world.me, 'small'));
  redo($('me'), JSON.stringify(world.users), () => world.users.filter((u) => !u.bot).map((u) => el('option', { value: u.id }, `${u.real_name || u.name}${kind(u)}`)));
  $('me').value = at.user;
}

const kind = (u) => (u.deleted ? ' (deactivated)' : u.stranger ? ' (another workspace)' : u.guest ? ' (guest)' : '');

const shownName = (c) => (c.im ? world.user(c.with)?.real_name || world.user(c.with)?.name || 'Direct message' : `#${c.name}`);

function drawHead(channel) {
  const talk = talkWith(world);
  const inApp = at.channel === 'home' || (talk && at.channel === talk.id);
  const u = inApp ? world.app : channel?.im ? world.user(channel.with) : null;
  const mark = u ? face(u, 'small') : channel ? svg(channel.private ? 'lock' : 'hash') : '';
  const name = u ? u.real_name || u.name : channel ? channel.name : 'Not found';
  fill($('title'), mark, el('span', {}, name), u?.bot && el('span.app', {}, 'APP'));
  $('about').textContent = !channel && !inApp ? 'There is no such channel, or you are not in it.' : channel?.archived ? 'This channel is archived.' : '';
  $('tabs').hidden = !inApp;
  redo($('tabs'), `${inApp} ${at.user} ${at.channel} ${talk?.id}`, () => inApp && [tab('Home', 'home'), talk && tab('Messages', talk.id)]);
  $('messages').hidden = at.channel === 'home';
  $('home').hidden = at.channel !== 'home';
  $('write').hidden = at.channel === 'home' || !channel || channel.archived;
}

function tab(name, id) {
  const here = at.channel === id;
  return el('a', { role: 'tab', 'data-channel': id, href: href({ channel: id }), 'aria-selected': here ? 'true' : 'false', onclick: (ev) => go(ev, { channel: id }) }, name);
}

// drawHome is the app's Home tab.
function drawHome() {
  const home = $('home');
  redo($('start'), '', () => '');
  redo(home, JSON.stringify([at.user, state.home]), () => {
    home.place = place(at.user, { view_id: state.home?.id ?? 'home' }, { kept: filled(home.place) });
    return state.home ? blocks(state.home.blocks, world, home.place) : el('p.muted', {}, 'The app has not published a Home tab for you.');
  });
}

function drawChannel(channel) {
  const list = channel?.messages ?? [];
  const shown = list.slice(-(most + earlier));
  const hidden = list.length - shown.length;
  redo($('start'), `${drawn} ${hidden}`, () => channel && (hidden ? el('button.button.plain', { type: 'button', onclick: () => { earlier += most; draw(); } }, `Show earlier messages (${hidden})`) : beginning(channel)));
  if (channel) composer($('write'), channel.id, '', `Message ${shownName(channel)}`);
  rows($('messages'), $('scroll'), lines(shown, channel), drawn);
  pointAt();
}

// pointAt shows the message that a permalink is of, once.
function pointAt() {
  const m = at.ts && document.querySelector(`[data-ts="${CSS.escape(at.ts)}"]`);
  if (!m) return;
  at.ts = '';
  m.classList.add('pointed');
  m.scrollIntoView({ block: 'center' });
}

function beginning(channel) {
  const name = shownName(channel);
  return [el('h2', {}, channel.im ? name : [svg(channel.private ? 'lock' : 'hash'), channel.name]),
    el('p.muted', {}, channel.im ? `This is the very beginning of your direct messages with ${name}.` : `This is the very beginning of ${name}.`)];
}

// lines are the messages with the days between them, what is new, and what failed.
function lines(list, channel) {
  const out = [];
  let before = null;
  let told = false;
  for (const m of list) {
    const day = dayName(moment(m.ts));
    if (before === null || dayName(moment(before.ts)) !== day) out.push({ key: `day ${day}`, is: day, make: () => el('div.day', { role: 'separator' }, el('span', {}, day)) });
    if (since && !told && m.ts > since) {
      told = true;
      out.push({ key: 'new', is: '', make: () => el('div.new', { role: 'separator' }, el('span', {}, 'New')) });
    }
    out.push(row(m, channel.id, { compact: goesOn(before, m, day), open: openThread }));
    before = m;
  }
  for (const f of failures) if (f.channel === channel?.id && f.user === at.user) out.push(failed(f));
  return out;
}

const together = 5 * 60; // s; messages of one person this close are shown as one

function goesOn(before, m, day) {
  return Boolean(before) && before.user?.id === m.user?.id && Number(m.ts) - Number(before.ts) < together && Boolean(before.ephemeral) === Boolean(m.ephemeral) &&
    !m.broadcast && !before.broadcast && !(before.replies?.length) && dayName(moment(before.ts)) === day;
}

function row(m, channel, how) {
  return {
    key: m.ts,
    is: JSON.stringify([m, how.compact ?? false, at.user]),
    make: (old) => {
      const where = place(at.user, { channel, ts: m.ts }, { kept: old ? filled(old.place) : undefined });
      return message(m, world, { ...how, place: where });
    },
  };
}

function failed(f) {
  return { key: `failed ${f.n}`, is: f.text, make: () => el('article.message.ephemeral.failed', { role: 'alert' }, el('div.gutter', {}, face({ bot: true, name: 'Slackbot' })),
    el('div.content', {}, el('div.only', {}, svg('eye'), 'Only visible to you'), el('div.by', {}, el('strong.name', {}, 'Slackbot')), el('div.body', {}, f.text))) };
}

// rows brings a list up to date: what did not change stays as it is, with what was filled in. It follows the newest while one is at the end.
function rows(node, scroll, list, of) {
  const fresh = node.of !== of;
  const atEnd = fresh || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const old = fresh ? new Map() : new Map([...node.children].map((c) => [c.key, c]));
  if (fresh) node.replaceChildren();
  node.of = of;
  list.forEach(({ key, is, make }, i) => {
    let child = old.get(key);
    const mark = focused(child);
    if (!child || child.is !== is) child = Object.assign(make(child), { key, is });
    if (node.children[i] !== child) {
      if (node.children[i]?.key === key) node.children[i].replaceWith(child);
      else node.insertBefore(child, node.children[i] ?? null);
      refocus(child, mark);
    }
  });
  while (node.children.length > list.length) node.lastChild.remove();
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function openThread(ts) {
  go(null, { thread: ts });
}

function drawThread(channel) {
  const root = at.thread && channel?.messages.find((m) => m.ts === at.thread && !m.broadcast);
  $('thread').hidden = !root;
  document.body.classList.toggle('threaded', Boolean(root));
  if (!root) return;
  $('thread-of').textContent = shownName(channel);
  const n = root.replies?.length ?? 0;
  const list = [row(root, channel.id, { root: true })];
  if (n) list.push({ key: 'count', is: String(n), make: () => el('div.day.count', { role: 'separator' }, el('span', {}, `${n} ${n === 1 ? 'reply' : 'replies'}`)) });
  (root.replies ?? []).forEach((r) => list.push(row(r, channel.id, { root: true })));
  composer($('thread-write'), channel.id, root.ts, 'Reply…');
  rows($('replies'), $('thread-scroll'), list, `${drawn} ${root.ts}`);
}

// composer puts the box of this channel or thread there; what was begun in another is kept.
function composer(node, channel, thread, placeholder) {
  const key = `${at.user} ${channel} ${thread}`;
  if (node.key === key) return;
  if (!drafts.has(key)) {
    const fails = (text) => {
      failures.push({ n: failures.length, user: at.user, channel, text });
      draw();
    };
    const here = { user: at.user, channel, thread };
    drafts.set(key, compose(() => here, fails, () => state.commands ?? []));
  }
  node.key = key;
  drafts.get(key).label(placeholder);
  node.replaceChildren(drafts.get(key));
}

fill($('thread-close'), svg('close'));
$('thread-close').addEventListener('click', () => go(null, {}));
$('me').addEventListener('change', () => go(null, { user: $('me').value }));
addEventListener('popstate', arrive);
addEventListener('keydown', (ev) => {
  if (ev.key === 'Escape' && at.thread && !document.querySelector('dialog[open]')) go(null, {});
});
watch(refresh);
setInterval(again, 20_000);
if (at.channel === 'home' && at.user) openHome();
