// Elements are built node by node. No text is ever parsed as markup; the page's Content-Security-Policy refuses it as well.

// el builds an element from "tag.class.class", its attributes (on… are listeners, null and false leave one out) and its children.
export function el(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const e = document.createElement(tag || 'div');
  if (classes.length) e.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...kids(children));
  return e;
}

function kids(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== '');
}

export function fill(e, ...children) {
  e.replaceChildren(...kids(children));
  return e;
}

// redo fills a node when what it shows changed; what has the focus in it keeps it.
export function redo(node, is, make) {
  if (node.is === is) return;
  node.is = is;
  const mark = focused(node);
  fill(node, make());
  refocus(node, mark);
}

// focused is how to find what has the focus within a node once that is drawn anew, or empty.
export function focused(node) {
  const f = node?.contains(document.activeElement) && document.activeElement;
  const name = f && ['action', 'channel'].find((n) => f.dataset[n]);
  return name ? `[data-${name}="${CSS.escape(f.dataset[name])}"]` : '';
}

export function refocus(node, mark) {
  if (mark) node.querySelector(mark)?.focus({ preventScroll: true });
}

// svg is a small line drawing, 20 by 20, of our own.
export function svg(name, label) {
  const ns = 'http://www.w3.org/2000/svg';
  const s = document.createElementNS(ns, 'svg');
  s.setAttribute('viewBox', '0 0 20 20');
  s.setAttribute('class', `drawn drawn-${name}`);
  if (label) {
    s.setAttribute('role', 'img');
    s.setAttribute('aria-label', label);
  } else {
    s.setAttribute('aria-hidden', 'true');
  }
  for (const d of drawings[name]) {
    const p = document.createElementNS(ns, 'path');
    p.setAttribute('d', d);
    s.append(p);
  }
  return s;
}

const drawings = {
  hash: ['M8 3 6.5 17', 'M13.5 3 12 17', 'M3.5 7.5h13.5', 'M3 12.5h13.5'],
  lock: ['M5 9h10v8H5z', 'M7 9V6.5a3 3 0 0 1 6 0V9', 'M10 12.2v1.8'],
  shield: ['M10 2.5 16.5 5v5c0 4-2.8 6.4-6.5 7.8C6.3 16.4 3.5 14 3.5 10V5z', 'M10 8v4.5', 'M8 10.200h4'],
  eye: ['M2 10c2-3.5 4.8-5 8-5s6 1.5 8 5c-2 3.5-4.8 5-8 5s-6-1.5-8-5z', 'M10 7.800a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.400z'],
  send: ['M3 3.5 17.5 10 3 16.5 5 10z', 'M5 10h6'],
  reply: ['M3 4h14v9.500H9l-3.5 3.500v-3.500H3z', 'M6.5 7.500h7', 'M6.5 10.200h4.5'],
  close: ['M4.5 4.500l11 11', 'M15.5 4.500l-11 11'],
  dots: ['M4.5 10h.01', 'M10 10h.01', 'M15.5 10h.01'],
  warning: ['M10 3 18 17H2z', 'M10 8.500v4', 'M10 14.700v.01'],
  picture: ['M3 4h14v12H3z', 'M3.5 14l4-4.5 3 3 2.5-2.5 3.5 4', 'M13 7.500h.01'],
};
