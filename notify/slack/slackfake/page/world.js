// Names, and who is meant: what the renderer asks of the workspace's state.

// world makes the look-ups of one state. go and href lead to a channel.
export function world(state, go, href) {
  const by = (list, key = 'id') => new Map((list ?? []).map((x) => [x[key], x]));
  const users = by(state.users);
  const channels = by(state.channels);
  const names = by((state.channels ?? []).filter((c) => !c.im), 'name');
  const groups = by(state.groups);
  const me = state.me ?? {};
  const mine = [`<@${me.id}>`, `<@${me.id}|`, `"user_id":"${me.id}"`, '<!here', '<!channel', '<!everyone', '"type":"broadcast"',
    ...(state.groups ?? []).filter((g) => g.users?.includes(me.id)).flatMap((g) => [`<!subteam^${g.id}`, `"usergroup_id":"${g.id}"`])];
  const mentionsMe = (m) => {
    const said = m.blocks?.length ? JSON.stringify(m.blocks) : m.text ?? '';
    return mine.some((mark) => said.includes(mark));
  };
  return {
    me,
    team: state.team ?? {},
    users: state.users ?? [],
    channels: state.channels ?? [],
    user: (id) => users.get(id),
    channel: (id) => channels.get(id),
    channelNamed: (name) => names.get(name),
    group: (id) => groups.get(id),
    app: state.app ?? (state.users ?? []).find((u) => u.app),
    go,
    href,
    mentionsMe,
    mentions: (c) => fresh(c, me.id).filter(mentionsMe).length,
  };
}

// fresh are the messages of a channel that are new to the reader.
export function fresh(c, me) {
  return c?.unread ? (c.messages ?? []).filter((m) => m.user?.id !== me).slice(-c.unread) : [];
}
