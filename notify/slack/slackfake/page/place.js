// A place holds blocks: a message, the Home tab or a modal. It tells the server what one does there, and shows what is under way.
import { confirmed } from './dialog.js';
import { post, toast } from './server.js';

// under is what was clicked and is not yet answered: the server answers when the app did, or when Slack would give it up.
const under = new Map();

// place makes the holder of a message's blocks ({channel, ts}) or of a view's ({view_id}). kept is what was filled in before a redraw.
export function place(user, at, { kept, errors } = {}) {
  const id = at.view_id ?? `${at.channel}-${at.ts}`;
  const name = (block, action) => `${id}\n${block}\n${action}`;
  return {
    id,
    inputs: new Map(),
    kept,
    errors,
    // drawn takes a control that was drawn anew while what one did with it is under way.
    drawn: (block, action, control) => {
      if (under.has(name(block, action))) begin(name(block, action), control);
    },
    // act is false when the person did not confirm.
    act: async (said, control, asks) => {
      if (asks && !(await confirmed(asks))) return false;
      const key = name(said.block_id, said.action_id);
      begin(key, control);
      try {
        await post('click', { user, ...at, ...said });
      } catch (err) {
        toast(`That was not taken: ${err.message}`);
      }
      end(key);
      return true;
    },
  };
}

// filled is what a place holds now, to be kept over a redraw or submitted.
export function filled(where) {
  return new Map([...(where?.inputs ?? [])].map(([key, i]) => [key, i.read()]));
}

function begin(key, control) {
  control?.setAttribute('aria-busy', 'true');
  under.set(key, control);
}

function end(key) {
  under.get(key)?.removeAttribute('aria-busy');
  under.delete(key);
}
