// The box below a channel: what one says, and slash commands.
import { el, svg } from './dom.js';
import { post } from './server.js';

// compose makes a box. at() is {user, channel, thread}; fails(text) shows what Slack says when a command fails; commands() are the app's.
export function compose(at, fails, commands) {
  const text = el('textarea', { rows: '1', autocomplete: 'off' });
  const send = el('button.send', { type: 'submit', 'aria-label': 'Send', disabled: true }, svg('send'));
  const hints = el('div.hints', { hidden: true });
  const form = el('form.compose', {}, hints, text, el('div.bar', {}, el('span.muted', {}, 'Enter sends, Shift + Enter is a new line'), send));
  const fit = () => {
    text.style.height = 'auto';
    text.style.height = `${Math.min(text.scrollHeight, 200)}px`;
    send.disabled = !text.value.trim();
    suggest(text, hints, at().thread ? [] : commands());
  };
  text.addEventListener('input', fit);
  text.addEventListener('keydown', (ev) => {
    if (ev.isComposing) return;
    if (ev.key === 'Tab' && !hints.hidden) {
      ev.preventDefault();
      hints.querySelector('button').click();
    } else if (ev.key === 'Enter' && !ev.shiftKey) {
      ev.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener('submit', async (ev) => {
    ev.preventDefault();
    const said = text.value.trim();
    if (!said) return;
    text.value = '';
    fit();
    await say(at(), said, fails);
  });
  form.label = (placeholder) => {
    text.placeholder = placeholder;
    text.setAttribute('aria-label', placeholder);
  };
  return form;
}

async function say({ user, channel, thread }, text, fails) {
  const command = text.startsWith('/');
  try {
    await post(command ? 'command' : 'message', { user, channel, text, ...(thread && { thread_ts: thread }) });
  } catch (err) {
    fails(err.message);
  }
}

// suggest offers the commands that begin as the text does.
function suggest(text, hints, commands) {
  const like = /^\/\S*$/.test(text.value) ? commands.filter((c) => c.startsWith(text.value)) : [];
  hints.hidden = !like.length;
  hints.replaceChildren(...like.map((c) => el('button', { type: 'button', onclick: () => {
    text.value = `${c} `;
    hints.hidden = true;
    text.focus();
  } }, el('span.face-of.bot.small', {}, svg('shield')), el('strong', {}, c), el('span.muted', {}, 'Tab completes it'))));
}
