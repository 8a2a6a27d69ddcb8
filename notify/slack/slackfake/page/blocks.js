// Block Kit: one function for each type of block.
import { el, svg } from './dom.js';
import { element, image } from './elements.js';
import { plain, text } from './mrkdwn.js';
import { richText } from './richtext.js';

// blocks renders a list. "where" is what holds it: a message, the Home tab or a modal (see app.js, place).
export function blocks(list, world, where) {
  return (list ?? []).map((b) => {
    const known = Object.hasOwn(kinds, b.type);
    const drawn = known ? kinds[b.type](b, world, where) : unknown(b);
    drawn.classList.add('block', known ? b.type : 'unknown');
    if (b.block_id) drawn.dataset.block = b.block_id;
    return drawn;
  });
}

const kinds = {
  header: (b) => el('h3', {}, plain(b.text)),
  divider: () => el('hr'),
  section,
  context: (b, world) => el('div', {}, (b.elements ?? []).map((e) => (e.type === 'image' ? image(e) : el('span', {}, text(e, world))))),
  actions: (b, world, where) => el('div', { role: 'group' }, (b.elements ?? []).map((e) => element(e, b, world, where))),
  input,
  image: picture,
  rich_text: (b, world) => el('div', {}, richText(b.elements ?? [], world)),
  markdown: (b) => el('div', {}, String(b.text ?? '')),
};

function unknown(b) {
  return el('div.unshown', {}, `A block of the type ${b.type} is not shown here.`);
}

function section(b, world, where) {
  const main = el('div.main', {},
    b.text && el('div.text', {}, text(b.text, world)),
    b.fields && el('div.fields', {}, b.fields.map((f) => el('div.field', {}, text(f, world)))));
  return el('div', {}, main, b.accessory && el('div.accessory', {}, element(b.accessory, b, world, where)));
}

// input is a label, what one fills in, a hint, and what was wrong with it.
function input(b, world, where) {
  const error = where.errors?.[b.block_id];
  const id = `${where.id}-${b.block_id}`.replace(/[^\w-]/g, '_');
  const group = /^(checkboxes|radio_buttons|multi_\w+)$/.test(b.element?.type);
  const field = element(b.element ?? {}, b, world, where);
  const control = group ? field : field.matches('input,select,textarea') ? field : field.querySelector('input,select,textarea') ?? field;
  control.id = id;
  control.setAttribute('aria-describedby', `${id}-hint ${id}-error`);
  control.setAttribute('aria-labelledby', `${id}-label`);
  if (error) control.setAttribute('aria-invalid', 'true');
  return el(error ? 'div.wrong' : 'div', {},
    el(group ? 'div.label' : 'label', { id: `${id}-label`, for: group ? null : id }, plain(b.label), b.optional && el('span.optional', {}, ' (optional)')),
    field,
    el('div.error', { id: `${id}-error`, role: error ? 'alert' : null }, error && svg('warning'), error),
    el('div.hint', { id: `${id}-hint` }, b.hint && plain(b.hint)));
}

// picture stands for an image: nothing is fetched from anywhere.
function picture(b) {
  return el('figure', {}, b.title && el('figcaption', {}, plain(b.title)),
    el('div.picture', { role: 'img', 'aria-label': b.alt_text, title: b.image_url }, svg('picture'), el('span', {}, b.alt_text)));
}
