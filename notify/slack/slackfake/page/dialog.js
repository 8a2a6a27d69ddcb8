// Dialogs over the page: the question before what is dangerous, and the app's modals.
import { blocks } from './blocks.js';
import { el, svg } from './dom.js';
import { plain, text } from './mrkdwn.js';
import { filled, place } from './place.js';
import { post } from './server.js';

let world; // of the last draw: names in a confirm's text

// confirmed asks what a confirm object asks; cancelling is the default.
export function confirmed(asks) {
  return new Promise((resolve) => {
    const yes = el(`button.button.${asks.style === 'danger' ? 'danger' : 'primary'}`, { type: 'button', 'data-confirm': 'yes', onclick: () => d.close('yes') }, plain(asks.confirm));
    const no = el('button.button.plain', { type: 'button', 'data-confirm': 'no', onclick: () => d.close() }, plain(asks.deny));
    const d = el('dialog.confirm', { 'aria-labelledby': 'asks-title', 'aria-describedby': 'asks-text' },
      el('div.title', {}, el('h2', { id: 'asks-title' }, plain(asks.title)), closer(() => d.close())),
      el('div.inside.text', { id: 'asks-text' }, text(asks.text, world)),
      el('div.foot', {}, no, yes));
    d.addEventListener('close', () => {
      d.remove();
      resolve(d.returnValue === 'yes');
    });
    document.body.append(d);
    d.showModal();
    no.focus();
  });
}

function closer(close) {
  return el('button.icon', { type: 'button', 'aria-label': 'Close', onclick: close }, svg('close'));
}

let shown = null; // the modal on the screen: {id, is, node, where}

// modal shows the top one of the user's views, or none. What was filled in outlives an update of the same view.
export function modal(user, views, now) {
  world = now;
  const view = views.filter((v) => v.type !== 'home').at(-1);
  if (!view) return gone();
  const is = JSON.stringify([user, view]);
  if (shown?.is === is) return;
  const same = shown?.id === view.id && shown.user === user;
  const where = place(user, { view_id: view.id }, { kept: same ? filled(shown.where) : undefined, errors: view.errors });
  const focus = same && document.activeElement?.id;
  const scrolled = same ? shown.node.querySelector('.inside').scrollTop : 0;
  const node = same ? shown.node : fresh(user);
  shown = { id: view.id, user, is, node, where };
  draw(view, user, where, node);
  if (focus) document.getElementById(focus)?.focus();
  else (node.querySelector('[data-autofocus]') ?? node.querySelector('.inside :is(input,select,textarea)') ?? node.querySelector('.foot button'))?.focus();
  node.querySelector('.inside').scrollTop = scrolled;
}

function gone() {
  shown?.node.remove();
  shown = null;
}

function fresh(user) {
  gone();
  const node = el('dialog.modal', { 'aria-labelledby': 'modal-title' });
  node.addEventListener('cancel', (ev) => {
    if (ev.target !== node) return;
    ev.preventDefault();
    dismiss(user);
  });
  document.body.append(node);
  node.showModal();
  return node;
}

async function dismiss(user) {
  const { id } = shown;
  gone();
  await post('close', { user, view_id: id });
}

function draw(view, user, where, node) {
  const send = view.submit && el('button.button.primary', { type: 'submit' }, el('span.face', {}, label(view.submit)));
  const form = el('form', { novalidate: true },
    el('div.title', {}, face(), el('h2', { id: 'modal-title' }, label(view.title)), closer(() => dismiss(user))),
    el('div.trouble', { role: 'alert', hidden: true }),
    el('div.inside', {}, blocks(view.blocks, world, where)),
    el('div.foot', {}, el('button.button.plain', { type: 'button', onclick: () => dismiss(user) }, label(view.close) || 'Cancel'), send));
  form.addEventListener('submit', (ev) => {
    ev.preventDefault();
    submit(view, user, where, node, send);
  });
  form.addEventListener('keydown', (ev) => ev.key === 'Enter' && (ev.metaKey || ev.ctrlKey) && form.requestSubmit());
  node.replaceChildren(form);
  if (view.warning) trouble(node, view.warning);
}

// label is a text object, or its text.
const label = (t) => (typeof t === 'string' ? t : plain(t));

const face = () => el('span.face-of.bot', { 'aria-hidden': 'true' }, svg('shield'));

async function submit(view, user, where, node, send) {
  if (!send || send.getAttribute('aria-busy') === 'true') return;
  const values = {};
  for (const { block_id, action_id, read } of where.inputs.values()) (values[block_id] ??= {})[action_id] = read();
  const wrong = lacks(view.blocks, values);
  if (wrong) return again(view, user, where, node, wrong);
  send.setAttribute('aria-busy', 'true');
  try {
    const said = await post('submit', { user, view_id: view.id, values });
    if (said.errors && Object.keys(said.errors).length) again(view, user, where, node, said.errors);
    else send.removeAttribute('aria-busy');
  } catch (err) {
    send.removeAttribute('aria-busy');
    trouble(node, err.message);
  }
}

// again draws the modal with what was wrong under each block, and what was filled in.
function again(view, user, where, node, errors) {
  if (shown?.id !== view.id) return;
  shown.where = place(user, { view_id: view.id }, { kept: filled(where), errors });
  draw(view, user, shown.where, node);
  const first = node.querySelector('.wrong :is(input,select,textarea)');
  if (first) first.focus();
  else if (!node.querySelector('.wrong')) trouble(node, Object.values(errors).join(' '));
}

function trouble(node, text) {
  const t = node.querySelector('.trouble');
  t.replaceChildren(svg('warning'), text);
  t.hidden = false;
}

// lacks is what Slack refuses by itself before it asks the app.
function lacks(list, values) {
  const wrong = {};
  for (const b of list ?? []) {
    if (b.type !== 'input') continue;
    const { type, ...said } = values[b.block_id]?.[b.element?.action_id] ?? {};
    const value = Object.values(said)[0];
    const why = fault(b.element ?? {}, value, Boolean(b.optional));
    if (why) wrong[b.block_id] = why;
  }
  return Object.keys(wrong).length ? wrong : null;
}

function fault(e, value, optional) {
  const empty = value === null || value === undefined || value === '' || (Array.isArray(value) && !value.length);
  if (empty) return optional ? '' : 'Please complete this required field.';
  if (e.min_length && [...value].length < e.min_length) return `This must have at least ${e.min_length} characters.`;
  if (e.type !== 'number_input') return '';
  if (!/^-?\d+(\.\d+)?$/.test(value) || (!e.is_decimal_allowed && value.includes('.'))) return e.is_decimal_allowed ? 'Enter a number.' : 'Enter a whole number.';
  if (e.min_value && Number(value) < Number(e.min_value)) return `Enter a number of at least ${e.min_value}.`;
  if (e.max_value && Number(value) > Number(e.max_value)) return `Enter a number of at most ${e.max_value}.`;
  return '';
}
