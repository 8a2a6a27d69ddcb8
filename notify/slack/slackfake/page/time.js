// Times as Slack writes them, in the reader's own time zone and by the workspace's clock.
import { el } from './dom.js';

let ahead = 0; // ms by which the workspace's clock is ahead of ours

export function clockIs(seconds) {
  if (seconds && Math.abs(seconds * 1000 - Date.now() - ahead) > 2000) ahead = seconds * 1000 - Date.now();
}

const now = () => new Date(Date.now() + ahead);

const day = 24 * 60 * 60 * 1000;
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

// moment is the time of a message's ts ("1763800000.000100").
export function moment(ts) {
  return new Date(Number(ts) * 1000);
}

export function clock(d, seconds = false) {
  const two = (n) => String(n).padStart(2, '0');
  return `${d.getHours() % 12 || 12}:${two(d.getMinutes())}${seconds ? `:${two(d.getSeconds())}` : ''} ${d.getHours() < 12 ? 'AM' : 'PM'}`;
}

function ordinal(n) {
  const tail = n % 100 >= 11 && n % 100 <= 13 ? 'th' : { 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th';
  return `${n}${tail}`;
}

// near is "Today", "Yesterday" or "Tomorrow", else empty.
function near(d) {
  const midnight = (x) => new Date(x.getFullYear(), x.getMonth(), x.getDate()).getTime();
  return { 0: 'Today', '-1': 'Yesterday', 1: 'Tomorrow' }[Math.round((midnight(d) - midnight(now())) / day)] ?? '';
}

export function dayName(d) {
  return near(d) || `${weekdays[d.getDay()]}, ${months[d.getMonth()]} ${ordinal(d.getDate())}`;
}

export function full(d) {
  return `${dayName(d)} at ${clock(d, true)}`;
}

// ago says how far a time is from now, either way.
export function ago(d) {
  const s = (now().getTime() - d.getTime()) / 1000;
  const n = Math.abs(s);
  const said = (count, unit) => {
    const c = Math.max(1, Math.round(count));
    const words = `${c} ${unit}${c === 1 ? '' : 's'}`;
    return s >= 0 ? `${words} ago` : `in ${words}`;
  };
  if (n < 45) return s >= 0 ? 'just now' : 'in a moment';
  if (n < 45 * 60) return said(n / 60, 'minute');
  if (n < 22 * 3600) return said(n / 3600, 'hour');
  return said(n / 86400, 'day');
}

const tokens = {
  date_num: (d) => `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`,
  date_slash: (d) => `${String(d.getMonth() + 1).padStart(2, '0')}/${String(d.getDate()).padStart(2, '0')}/${d.getFullYear()}`,
  date: (d) => `${months[d.getMonth()]} ${ordinal(d.getDate())}, ${d.getFullYear()}`,
  date_short: (d) => `${months[d.getMonth()].slice(0, 3)} ${d.getDate()}, ${d.getFullYear()}`,
  date_long: (d) => `${weekdays[d.getDay()]}, ${tokens.date(d)}`,
  time: (d) => clock(d),
  time_secs: (d) => clock(d, true),
  ago,
};

// formatted is <!date^seconds^format|fallback>: what is unknown in the format stays as it is. That "today" is a small letter
// within a sentence is a guess.
export function formatted(seconds, format, fallback) {
  const d = new Date(Number(seconds) * 1000);
  if (Number.isNaN(d.getTime())) return fallback;
  return format.replace(/\{([a-z_]+)\}/g, (all, name, at) => {
    const pretty = name.endsWith('_pretty') && near(d);
    if (pretty) return at === 0 ? pretty : pretty.toLowerCase();
    return tokens[name.replace(/_pretty$/, '')]?.(d) ?? all;
  });
}

// dated is a time on the page; again brings all of them up to date, as "5 minutes ago" grows old.
export function dated(seconds, format, fallback = '') {
  return el('time', { title: fallback || null, 'data-at': seconds, 'data-format': format }, formatted(seconds, format, fallback));
}

export function again() {
  for (const t of document.querySelectorAll('time[data-format]')) {
    const is = formatted(t.dataset.at, t.dataset.format, t.title);
    if (t.textContent !== is) t.textContent = is;
  }
}
