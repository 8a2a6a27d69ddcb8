// The fake's own endpoints for this page.

async function answer(response) {
  const body = await response.text();
  let said = {};
  try {
    said = JSON.parse(body || '{}');
  } catch {
    if (response.ok) throw new Error('the answer is not JSON');
  }
  if (!response.ok || said.error) throw Object.assign(new Error(said.error || body.trim() || `status ${response.status}`), { status: response.status });
  return said;
}

export async function post(what, said) {
  return answer(await fetch(`ui/${what}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(said) }));
}

// state is the workspace as a user sees it; the messages of the channel "seen" count as read.
export async function state(user, seen) {
  return answer(await fetch(`ui/state?${new URLSearchParams({ user, read: seen })}`, { cache: 'no-store' }));
}

const pollEvery = 2000; // ms, where events do not come

// watch calls changed whenever the workspace changed: told by events, else by asking. A tab that nobody sees holds no connection:
// a browser has only six for one server.
export function watch(changed) {
  let polling = null;
  let events = null;
  const poll = (on) => {
    clearInterval(polling);
    polling = on ? setInterval(changed, pollEvery) : null;
  };
  const listen = () => {
    events?.close();
    poll(false);
    if (document.hidden) return;
    events = new EventSource('ui/events');
    events.addEventListener('changed', changed);
    events.addEventListener('error', () => poll(true));
    events.addEventListener('open', () => poll(false));
    changed();
  };
  document.addEventListener('visibilitychange', listen);
  listen();
}

let hide;

export function toast(text) {
  const t = document.getElementById('toast');
  t.textContent = text;
  t.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => {
    t.hidden = true;
  }, 6000);
}
