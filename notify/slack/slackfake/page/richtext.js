// rich_text: explicit nodes, nothing is parsed.
import { el } from './dom.js';
import { emoji } from './emoji.js';
import { broken, channelLink, group, link, mention, person } from './mrkdwn.js';
import { dated } from './time.js';

export function richText(elements, world) {
  return elements.map((e) => (Object.hasOwn(holders, e.type) ? holders[e.type](e, world) : null));
}

const holders = {
  rich_text_section: (e, world) => el('div', {}, leaves(e, world)),
  rich_text_quote: (e, world) => el('blockquote', {}, leaves(e, world)),
  rich_text_preformatted: (e, world) => el('pre', {}, leaves(e, world)),
  rich_text_list: (e, world) => {
    const list = el(e.style === 'ordered' ? 'ol' : 'ul', { start: e.offset ? e.offset + 1 : null, 'data-indent': e.indent || null },
      (e.elements ?? []).map((item) => el('li', {}, leaves(item, world))));
    return e.border ? el('blockquote', {}, list) : list;
  },
};

function leaves(e, world) {
  return (e.elements ?? []).map((leaf) => styled(Object.hasOwn(kinds, leaf.type) ? kinds[leaf.type](leaf, world) : [], leaf.style ?? {}));
}

const kinds = {
  text: (l) => broken(l.text ?? ''),
  link: (l) => link(l.url ?? '', l.text || l.url),
  emoji: (l) => el('span.emoji', { title: `:${l.name}:` }, shown(l)),
  user: (l, world) => person(l.user_id, world),
  usergroup: (l, world) => group(l.usergroup_id, '', world),
  channel: (l, world) => channelLink(world.channel(l.channel_id) ?? { id: l.channel_id, name: 'private-channel' }, world),
  broadcast: (l) => mention(`@${l.range}`, true),
  date: (l) => (l.url ? link(l.url, dated(l.timestamp, l.format ?? '', l.fallback)) : dated(l.timestamp, l.format ?? '', l.fallback)),
  color: (l) => el('code', {}, l.value),
};

// shown is an emoji by its code points, as Slack sends them back, or by its name.
function shown(l) {
  const points = (l.unicode ?? '').split('-').map((hex) => parseInt(hex, 16)).filter((n) => n > 0 && n <= 0x10ffff);
  return points.length ? String.fromCodePoint(...points) : emoji(l.name) ?? `:${l.name}:`;
}

const styles = { bold: 'strong', italic: 'em', strike: 's', code: 'code', underline: 'u' };

function styled(content, style) {
  return Object.entries(styles).reduce((inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), content);
}
