// Slack's own markup, as it reads it: what is between < and > is a mention, a link or a date; * _ ~ and back-ticks are marks when they
// stand at the edge of a word; &lt; &gt; &amp; are the three entities.
import { el } from './dom.js';
import { emoji, emojied, shortcode } from './emoji.js';
import { dated } from './time.js';

// mrkdwn renders a text. "finds" is what of plain words becomes a link: 'all' (addresses, channels, mentions of everybody),
// 'addresses', or '' for none, which is verbatim.
export function mrkdwn(text, world, finds = 'all') {
  const out = document.createDocumentFragment();
  String(text ?? '').split(/```\n?([\s\S]+?)\n?```/).forEach((part, i) => {
    if (i % 2) out.append(el('pre', {}, plainTokens(part, world)));
    else out.append(...lines(part, world, finds));
  });
  return out;
}

// plain renders a plain_text object: no marks, no entities; short names of emoji only where they are asked for.
export function plain(object) {
  return object?.emoji ? emojied(object.text ?? '') : object?.text ?? '';
}

// text renders a text object of either kind.
export function text(object, world) {
  if (!object) return '';
  return object.type === 'mrkdwn' ? mrkdwn(object.text, world, object.verbatim ? '' : 'all') : broken(plain(object));
}

// broken puts a text's line breaks into elements.
export function broken(s) {
  return s.split('\n').flatMap((line, i) => (i ? [el('br'), line] : [line])).filter((n) => n !== '');
}

const quoteMark = /^(?:>|&gt;)/;
const quoteAll = /^(?:>|&gt;){3}/;

// lines gathers the lines of a quote; ">>>" quotes all that follows.
function lines(part, world, finds) {
  if (part === '') return [];
  const all = part.replace(/^\n|\n$/g, '').split('\n');
  const out = [];
  let broke = true; // what comes next begins a line by itself
  while (all.length) {
    const n = quoted(all);
    const taken = all.splice(0, n || 1);
    if (n) {
      const bare = taken.map((line, i) => (i ? line.replace(quoteMark, '') : line.replace(/^(?:>|&gt;){1,3}/, '')).replace(/^ /, ''));
      out.push(el('blockquote', {}, bare.map((line, i) => [i ? el('br') : '', ...inline(line, world, finds)])));
    } else {
      out.push(broke ? '' : el('br'), ...inline(taken[0], world, finds));
    }
    broke = n > 0;
  }
  return out.filter((x) => x !== '');
}

// quoted is how many of the lines are one quote.
function quoted(all) {
  if (quoteAll.test(all[0])) return all.length;
  const end = all.findIndex((line) => !quoteMark.test(line));
  return end < 0 ? all.length : end;
}

const marks = { '*': 'strong', _: 'em', '~': 's' };
const word = /[\p{L}\p{N}]/u;

// inline renders one line.
function inline(s, world, finds) {
  const out = [];
  let plainText = '';
  const flush = () => {
    if (plainText) out.push(plainText);
    plainText = '';
  };
  for (let i = 0; i < s.length; ) {
    const [node, length] = node1(s, i, world, finds);
    if (node === null) {
      plainText += s[i++];
      continue;
    }
    if (typeof node === 'string') {
      plainText += node;
    } else {
      flush();
      out.push(node);
    }
    i += length;
  }
  flush();
  return out;
}

// node1 reads what begins at i: a node or text and how much of s it took, or null for an ordinary character.
function node1(s, i, world, finds) {
  const c = s[i];
  if (c === '`') return codeSpan(s, i, world);
  if (c === '<') return token(s, i, world);
  if (c === '&') return entity(s, i);
  if (c === ':') return short(s, i);
  if (marks[c]) return marked(s, i, world, finds);
  return finds ? linked(s, i, world, finds) : [null, 0];
}

function codeSpan(s, i, world) {
  const end = s.indexOf('`', i + 1);
  if (end <= i + 1) return [null, 0];
  return [el('code', {}, plainTokens(s.slice(i + 1, end), world)), end + 1 - i];
}

const entities = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

function entity(s, i) {
  for (const [from, to] of Object.entries(entities)) if (s.startsWith(from, i)) return [to, from.length];
  return [null, 0];
}

export function decoded(s) {
  return s.replace(/&(?:amp|lt|gt);/g, (e) => entities[e]);
}

function short(s, i) {
  const m = shortcode.exec(s.slice(i, i + 80));
  const shown = m && emoji(m[1]);
  return shown ? [el('span.emoji', { title: m[0], role: 'img', 'aria-label': m[1].replaceAll('_', ' ') }, shown), m[0].length] : [null, 0];
}

// marked is *bold*, _italic_ or ~struck~: the marks stand at the edges of words, and what is between begins and ends with no blank.
function marked(s, i, world, finds) {
  const mark = s[i];
  if ((i > 0 && word.test(s[i - 1])) || /\s/.test(s[i + 1] ?? ' ') || s[i + 1] === mark) return [null, 0];
  for (let j = i + 2; j < s.length; j++) {
    if (s[j] === '<' && s.indexOf('>', j) > 0) j = s.indexOf('>', j);
    else if (s[j] === '`' && s.indexOf('`', j + 1) > 0) j = s.indexOf('`', j + 1);
    else if (s[j] === mark && !/\s/.test(s[j - 1]) && !word.test(s[j + 1] ?? ' ')) {
      return [el(marks[mark], {}, inline(s.slice(i + 1, j), world, finds)), j + 1 - i];
    }
  }
  return [null, 0];
}

const address = /^(?:https?:\/\/|www\.)[^\s<>|"`]+/i;
const domain = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|net|org|io|dev|app|co|ai|info|example|test)(?:\/[^\s<>|"`]*)?(?![\w@-])/i; // which endings Slack knows is a guess

// linked is what Slack makes of plain words in a text that is not verbatim.
function linked(s, i, world, finds) {
  if ((i > 0 && /[\p{L}\p{N}@./-]/u.test(s[i - 1])) || !/[\w@#]/.test(s[i])) return [null, 0];
  const rest = s.slice(i, i + 3000);
  const url = (address.exec(rest) ?? domain.exec(rest))?.[0].replace(/[.,;:!?)*_~]+$/, '');
  if (url) return [link(decoded(/^https?:/i.test(url) ? url : `http://${url}`), decoded(url)), url.length];
  if (finds !== 'all') return [null, 0];
  const everybody = /^@(here|channel|everyone)\b/.exec(rest);
  if (everybody) return [mention(everybody[0], true), everybody[0].length];
  const named = /^#([\p{Ll}\p{N}_-]+)/u.exec(rest);
  const channel = named && world.channelNamed(named[1]);
  return channel ? [channelLink(channel, world), named[0].length] : [null, 0];
}

// token is <…>. One that says nothing to Slack stays as it is written.
function token(s, i, world) {
  const end = s.indexOf('>', i);
  if (end < 0) return [null, 0];
  const inner = s.slice(i + 1, end);
  const bar = inner.indexOf('|');
  const body = bar < 0 ? inner : inner.slice(0, bar);
  const node = meaning(body, bar < 0 ? '' : decoded(inner.slice(bar + 1)), world);
  return node ? [node, end + 1 - i] : [null, 0];
}

function meaning(body, label, world) {
  if (/^@[UWB]\w+$/.test(body)) return person(body.slice(1), world);
  if (/^#[CGD]\w+$/.test(body)) return channelLink(world.channel(body.slice(1)) ?? { id: body.slice(1), name: label || 'private-channel' }, world);
  if (body.startsWith('!')) return command(body.slice(1), label, world);
  if (/^(?:https?:|mailto:|tel:|slack:)/i.test(body)) return link(decoded(body), label || decoded(body).replace(/^mailto:/i, ''));
  return null;
}

function command(body, label, world) {
  const [name, ...rest] = body.split('^');
  if (['here', 'channel', 'everyone'].includes(name)) return mention(`@${name}`, true);
  if (name === 'subteam') return group(rest[0], label, world);
  if (name === 'date') return date(rest, label || body);
  return label ? el('span', {}, `<${label}>`) : null;
}

function date([seconds, format = '', href], fallback) {
  const t = dated(seconds, format, fallback);
  return href ? el('a', { ...safe(decoded(href)) }, t) : t;
}

// plainTokens renders what is within code: no marks, but what is between < and > keeps its meaning (a guess: the more dangerous of two).
function plainTokens(s, world) {
  const out = [];
  for (let i = 0; i < s.length; ) {
    const [node, length] = s[i] === '<' ? token(s, i, world) : s[i] === '&' ? entity(s, i) : [null, 0];
    out.push(node ?? s[i]);
    i += length || 1;
  }
  return out;
}

export function person(id, world) {
  const u = world.user(id);
  return mention(`@${u?.real_name || u?.name || id}`, id === world.me?.id, { 'data-user': id });
}

export function group(id, label, world) {
  const g = world.group(id);
  const name = g ? `@${g.handle.replace(/^@/, '')}` : label || `@${id}`;
  return mention(name, Boolean(g?.users?.includes(world.me?.id)), { 'data-group': id });
}

export function mention(shown, mine, attributes = {}) {
  return el(`span.mention${mine ? '.mine' : ''}`, attributes, shown);
}

export function channelLink(channel, world) {
  return el('a.mention', { href: world.href?.({ channel: channel.id }) ?? '#', 'data-channel': channel.id, onclick: (e) => world.go?.(e, { channel: channel.id }) },
    `#${channel.name}`);
}

// safe are the attributes of a link out of the page: never javascript: and the like.
export function safe(url) {
  return /^(?:https?|mailto|tel|slack):/i.test(url) ? { href: url, target: '_blank', rel: 'noopener noreferrer' } : {};
}

export function link(url, shown) {
  return el('a', safe(url), shown);
}
