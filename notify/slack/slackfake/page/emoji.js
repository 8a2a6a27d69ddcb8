// The short names that a bot's cards are likely to use, as Unicode. Any other stays as it is written, as Slack leaves what it does not know.
const table = {
  red_circle: '🔴', large_orange_circle: '🟠', large_yellow_circle: '🟡', large_green_circle: '🟢', large_blue_circle: '🔵', large_purple_circle: '🟣',
  white_circle: '⚪', black_circle: '⚫', large_red_square: '🟥', large_orange_square: '🟧', large_yellow_square: '🟨', large_green_square: '🟩',
  rotating_light: '🚨', warning: '⚠️', no_entry: '⛔', no_entry_sign: '🚫', octagonal_sign: '🛑', exclamation: '❗', question: '❓', bangbang: '‼️',
  information_source: 'ℹ️', white_check_mark: '✅', heavy_check_mark: '✔️', ballot_box_with_check: '☑️', x: '❌', heavy_multiplication_x: '✖️',
  lock: '🔒', unlock: '🔓', closed_lock_with_key: '🔐', key: '🔑', shield: '🛡️', eyes: '👀', eye: '👁️', mag: '🔍', bell: '🔔', no_bell: '🔕',
  hourglass: '⌛', hourglass_flowing_sand: '⏳', stopwatch: '⏱️', alarm_clock: '⏰', clock1: '🕐', clock3: '🕒', calendar: '📆', date: '📅', zzz: '💤',
  gear: '⚙️', wrench: '🔧', hammer_and_wrench: '🛠️', robot_face: '🤖', bust_in_silhouette: '👤', busts_in_silhouette: '👥', wave: '👋', '+1': '👍',
  thumbsup: '👍', '-1': '👎', thumbsdown: '👎', ok_hand: '👌', raised_hand: '✋', pray: '🙏', clap: '👏', tada: '🎉', fire: '🔥', snowflake: '❄️',
  ice_cube: '🧊', zap: '⚡', boom: '💥', bulb: '💡', memo: '📝', clipboard: '📋', bookmark_tabs: '📑', page_facing_up: '📄', paperclip: '📎', link: '🔗',
  pushpin: '📌', ticket: '🎫', label: '🏷️', package: '📦', file_folder: '📁', floppy_disk: '💾', cloud: '☁️', globe_with_meridians: '🌐', house: '🏠',
  office: '🏢', chart_with_upwards_trend: '📈', chart_with_downwards_trend: '📉', bar_chart: '📊', arrow_right: '➡️', arrow_left: '⬅️', arrow_up: '⬆️',
  arrow_down: '⬇️', leftwards_arrow_with_hook: '↩️', arrow_right_hook: '↪️', arrows_counterclockwise: '🔄', repeat: '🔁', fast_forward: '⏩',
  heavy_plus_sign: '➕', heavy_minus_sign: '➖', star: '⭐', sparkles: '✨', heart: '❤️', smile: '😄', slightly_smiling_face: '🙂', thinking_face: '🤔',
  sweat_smile: '😅', scream: '😱', speech_balloon: '💬', thread: '🧵', 100: '💯', rocket: '🚀', construction: '🚧', checkered_flag: '🏁',
  triangular_flag_on_post: '🚩', white_flag: '🏳️', ghost: '👻', new: '🆕', free: '🆓', sos: '🆘', recycle: '♻️', broken_heart: '💔', moneybag: '💰',
};
const known = new Map(Object.entries(table));

export const shortcode = /^:([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?/;

// emoji is the character of a short name, or null.
export function emoji(name) {
  return known.get(name) ?? null;
}

// emojied replaces the short names in a plain text.
export function emojied(text) {
  return text.replace(/:([a-z0-9_+'-]+):/g, (all, name) => known.get(name) ?? all);
}
