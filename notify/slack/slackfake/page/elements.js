// The elements that one clicks, chooses from and fills in. What one does is told to where.act, and where.inputs can read what was filled in.
import { el, fill, svg } from './dom.js';
import { plain, safe, text } from './mrkdwn.js';

// element renders one element of a block.
export function element(e, block, world, where) {
  const kind = Object.hasOwn(kinds, e.type) && kinds[e.type];
  if (!kind) return el('span.unshown', {}, `An element of the type ${e.type} is not shown here.`);
  const drawn = kind(e, new Field(e, block, where), world);
  if (!e.action_id) return drawn;
  const control = drawn.matches('.counted') ? drawn.firstChild : drawn;
  control.dataset.action = e.action_id;
  where.drawn(block.block_id, e.action_id, control);
  return drawn;
}

// Field ties an element to its place: what it said before a redraw, and whom to tell of a change.
class Field {
  constructor(e, block, where) {
    this.e = e;
    this.block = block;
    this.where = where;
    this.key = `${block.block_id}\n${e.action_id}`;
    this.quiet = block.type === 'input' && !block.dispatch_action;
  }

  // kept is what was filled in before the redraw, else what the app put there.
  kept(first) {
    return this.where.kept?.get(this.key) ?? first;
  }

  // reads says how to read what is filled in; nothing is ''.
  reads(read) {
    this.where.inputs.set(this.key, { block_id: this.block.block_id, action_id: this.e.action_id, read: () => ({ type: this.e.type, ...read() }) });
  }

  // tells tells of each change of a control, and takes it back when the person does not confirm it.
  tells(control, said, get = () => control.value, set = (v) => { control.value = v; }) {
    let before = get();
    control.addEventListener('change', async () => {
      const now = get();
      if (now === '-1') return; // nothing is chosen
      if (await this.act(control, said())) before = now;
      else set(before);
    });
  }

  // act tells of a click (value, selected_option), or of anything else that was chosen.
  act(control, said) {
    if (this.quiet) return true;
    return this.where.act({ block_id: this.block.block_id, action_id: this.e.action_id, ...(isClick(said) ? said : { chosen: said }) }, control, this.e.confirm);
  }
}

const isClick = (said) => 'value' in said || 'selected_option' in said;

const kinds = {
  button,
  workflow_button: button,
  overflow,
  image: (e) => image(e),
  static_select: (e, f, world) => select(e, f, world, options(e), 'selected_option'),
  users_select: (e, f, world) => chosen(e, f, world, people(world), 'selected_user', e.initial_user),
  channels_select: (e, f, world) => chosen(e, f, world, channels(world), 'selected_channel', e.initial_channel),
  conversations_select: (e, f, world) => chosen(e, f, world, channels(world), 'selected_conversation', e.initial_conversation),
  multi_static_select: (e, f, world) => boxes(e, f, world, options(e).flatMap((g) => g.options ?? [g])),
  multi_users_select: (e, f, world) => boxes(e, f, world, people(world), 'selected_users', e.initial_users),
  multi_channels_select: (e, f, world) => boxes(e, f, world, channels(world), 'selected_channels', e.initial_channels),
  multi_conversations_select: (e, f, world) => boxes(e, f, world, channels(world), 'selected_conversations', e.initial_conversations),
  checkboxes: (e, f, world) => boxes(e, f, world, e.options ?? []),
  radio_buttons: radios,
  datepicker: (e, f) => picker(e, f, 'date', 'selected_date', e.initial_date),
  timepicker: (e, f) => picker(e, f, 'time', 'selected_time', e.initial_time),
  datetimepicker: moment,
  plain_text_input: typed,
  rich_text_input: typed,
  number_input: typed,
  email_text_input: typed,
  url_text_input: typed,
};

export function image(e) {
  return el('span.thumb', { role: 'img', 'aria-label': e.alt_text, title: e.alt_text }, svg('picture'));
}

function button(e, f) {
  const style = ['primary', 'danger'].includes(e.style) ? e.style : 'plain';
  const said = { value: e.value };
  const click = async (ev) => {
    const node = ev.currentTarget;
    const busy = node.getAttribute('aria-busy') === 'true';
    if (busy || (e.url && e.confirm)) ev.preventDefault();
    if (busy) return;
    const done = await f.act(node, said);
    if (done && e.url && e.confirm) window.open(safe(e.url).href ?? 'about:blank', '_blank', 'noopener');
  };
  const attributes = { 'aria-label': e.accessibility_label, onclick: click };
  const label = el('span.face', {}, plain(e.text));
  return e.url ? el(`a.button.${style}`, { ...attributes, ...safe(e.url), role: 'button' }, label) : el(`button.button.${style}`, { ...attributes, type: 'button' }, label);
}

// overflow is the three dots and the menu below them.
function overflow(e, f) {
  const dots = el('button.button.plain.overflow', { type: 'button', 'aria-label': 'More options', 'aria-haspopup': 'menu',
    onclick: () => menu(dots, (e.options ?? []).map((o) => item(o, () => f.act(dots, { selected_option: o })))) }, svg('dots'));
  return dots;
}

function item(o, choose) {
  const inside = [el('span', {}, plain(o.text)), o.description && el('small', {}, plain(o.description))];
  return o.url ? el('a.item', { role: 'menuitem', tabindex: '-1', ...safe(o.url), onclick: choose }, inside)
    : el('button.item', { role: 'menuitem', tabindex: '-1', type: 'button', onclick: choose }, inside);
}

// menu shows items below a control until one is chosen or the person turns away.
function menu(control, items) {
  const box = el('div.menu', { role: 'menu', popover: 'auto' }, items);
  const step = { ArrowDown: 1, ArrowUp: -1 };
  box.addEventListener('keydown', (ev) => {
    if (!step[ev.key]) return;
    ev.preventDefault();
    items[(items.indexOf(document.activeElement) + step[ev.key] + items.length) % items.length].focus();
  });
  box.addEventListener('click', () => box.hidePopover());
  box.addEventListener('toggle', (ev) => ev.newState === 'closed' && box.remove());
  (control.closest('dialog') ?? document.body).append(box);
  box.showPopover();
  const at = control.getBoundingClientRect();
  const below = at.bottom + box.offsetHeight + 8 < innerHeight;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${below ? at.bottom + 4 : at.top - box.offsetHeight - 4}px`;
  items[0]?.focus();
}

const options = (e) => (e.option_groups ?? []).map((g) => ({ label: g.label, options: g.options ?? [] })).concat(e.options ?? []);
const option = (id, name) => ({ value: id, text: { type: 'plain_text', text: name } });
const people = (world) => world.users.filter((u) => !u.deleted).map((u) => option(u.id, u.real_name || u.name));
const channels = (world) => world.channels.filter((c) => !c.im).map((c) => option(c.id, `#${c.name}`));

// select is one of a list, in groups or not; "name" is what Slack calls the answer.
function select(e, f, world, list, name) {
  const flat = list.flatMap((o) => o.options ?? [o]);
  const at = (o) => flat.findIndex((x) => x.value === o?.value);
  const one = (o) => el('option', { value: String(flat.indexOf(o)) }, plain(o.text));
  const s = el('select.select', { 'aria-label': plain(e.placeholder) || null },
    el('option', { value: '-1' }, plain(e.placeholder) || 'Select an item'),
    list.map((o) => (o.options ? el('optgroup', { label: plain(o.label) }, o.options.map(one)) : one(o))));
  s.value = String(at(f.kept({ [name]: e.initial_option })[name]));
  const said = () => ({ [name]: flat[Number(s.value)] ?? '' });
  f.reads(said);
  f.tells(s, said);
  return s;
}

// chosen is a select whose answer is an id.
function chosen(e, f, world, list, name, first) {
  const s = select({ ...e, initial_option: { value: first } }, { kept: (o) => o, reads: () => {}, tells: () => {} }, world, list, name);
  const start = f.kept({ [name]: first })[name];
  s.value = String(list.findIndex((o) => o.value === start));
  const said = () => ({ [name]: list[Number(s.value)]?.value ?? '' });
  f.reads(said);
  f.tells(s, said);
  return s;
}

// boxes are check boxes; the answer is the options themselves, or their ids where it has a name of its own.
function boxes(e, f, world, list, name = 'selected_options', first = e.initial_options ?? []) {
  const id = (o) => (typeof o === 'string' ? o : o?.value);
  const answer = name === 'selected_options' ? (o) => o : id;
  const on = new Set((f.kept({ [name]: first })[name] ?? []).map(id));
  return ticks(e, f, world, list, { type: 'checkbox', on, said: (picked) => ({ [name]: picked.map(answer) }) });
}

function radios(e, f, world) {
  const on = new Set([f.kept({ selected_option: e.initial_option }).selected_option?.value]);
  return ticks(e, f, world, e.options ?? [], { type: 'radio', on, said: (picked) => ({ selected_option: picked[0] ?? '' }) });
}

function ticks(e, f, world, list, { type, on, said }) {
  const inputs = list.map((o) => el('input', { type, name: `${f.where.id}-${f.key}`, checked: on.has(o.value) }));
  const answer = () => said(list.filter((_, i) => inputs[i].checked));
  f.reads(answer);
  const group = el('div.boxes', { role: type === 'radio' ? 'radiogroup' : 'group' }, list.map((o, i) => el('label.box', {}, inputs[i],
    el('span', {}, text(o.text, world), o.description && el('small', {}, text(o.description, world))))));
  f.tells(group, answer, () => inputs.map((i) => i.checked), (was) => inputs.forEach((i, n) => { i.checked = was[n]; }));
  return group;
}

function picker(e, f, type, name, first) {
  const i = el(`input.picker.${type}`, { type, 'aria-label': plain(e.placeholder) || (type === 'date' ? 'Select a date' : 'Select a time') });
  i.value = f.kept({ [name]: first })[name] ?? '';
  const said = () => ({ [name]: i.value });
  f.reads(said);
  f.tells(i, said);
  return i;
}

// moment is a day and a time; Slack's answer is in seconds.
function moment(e, f) {
  const i = el('input.picker', { type: 'datetime-local', 'aria-label': 'Select a date and time' });
  const first = f.kept({ selected_date_time: e.initial_date_time }).selected_date_time;
  const local = first && new Date(first * 1000 - new Date(first * 1000).getTimezoneOffset() * 60000);
  i.value = local ? local.toISOString().slice(0, 16) : '';
  const said = () => ({ selected_date_time: i.value ? Math.floor(new Date(i.value).getTime() / 1000) : '' });
  f.reads(said);
  f.tells(i, said);
  return i;
}

const typedAs = { number_input: 'number', email_text_input: 'email', url_text_input: 'url' };

function typed(e, f) {
  const attributes = { placeholder: plain(e.placeholder) || null, maxlength: e.max_length, autocomplete: 'off', 'data-autofocus': e.focus_on_load };
  const number = e.type === 'number_input';
  const i = e.multiline || e.type === 'rich_text_input' ? el('textarea.typed', { ...attributes, rows: '4' })
    : el('input.typed', { ...attributes, type: typedAs[e.type] ?? 'text', step: number ? (e.is_decimal_allowed ? 'any' : '1') : null, min: number ? e.min_value : null, max: number ? e.max_value : null });
  i.value = f.kept({ value: e.initial_value }).value ?? '';
  f.reads(() => ({ value: i.value }));
  i.addEventListener('keydown', (ev) => {
    if (ev.key !== 'Enter' || e.multiline || f.quiet) return;
    ev.preventDefault();
    f.act(i, { value: i.value });
  });
  if (!e.max_length || !e.multiline) return i;
  const left = el('span.left', { 'aria-hidden': 'true' });
  const count = () => fill(left, String(e.max_length - i.value.length));
  i.addEventListener('input', count);
  count();
  return el('div.counted', {}, i, left);
}
