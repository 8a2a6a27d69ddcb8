"""The life of a resource: made, read, listed, changed, changed again, deleted."""

from dataclasses import dataclass, field
from typing import Callable

VOLATILE = {"updated", "updatedAt", "lastUpdatedDate", "lastUpdatedByUser", "version", "lastUsedAt", "lastAuth"}


@dataclass
class Cycle:
    name: str
    create: str
    item: Callable  # the path parameters of a made thing, from what is made and what was sent
    get: str = ""
    list: str = ""
    update: str = ""
    delete: str = ""
    params: dict = field(default_factory=dict)
    sent: dict = field(default_factory=dict)  # overrides of what is created
    more: dict = field(default_factory=dict)  # the same where optional properties are sent too
    change: dict = field(default_factory=dict)  # what an update sends
    whole: bool = False  # an update needs the whole, not only what changes
    pick: Callable = lambda body, sent: body  # the made thing in an answer
    same: Callable = None  # whether a row is that thing
    ignore: tuple = ()  # what does not read back, with its reason where it is given
    query: dict = field(default_factory=dict)
    created: tuple = ()  # (scope, kinds)
    updated: tuple = ()
    deleted: tuple = ()
    ready: Callable = None  # whether it can be changed and deleted
    variants: tuple = (False, True)
    gone: int = 404


def live(run, c):
    for everything in c.variants:
        title = c.name + (", everything set" if everything else "")
        if run.only and run.only not in title:
            continue
        with run.resource(title):
            one_life(run, c, everything)


def one_life(run, c, everything):
    overrides = dict(c.sent) | (dict(c.more) if everything else {})
    overrides = {k: (v(run) if callable(v) else v) for k, v in overrides.items()}
    sent = run.make(c.create, overrides, everything)
    answer = run.call(c.create, c.params, sent)
    by = run.actor
    first = sent[0] if isinstance(sent, list) else sent
    made = c.pick(answer.body, first)
    if not run.check(made is not None, f"{c.create}: the answer does not show what was made"):
        return
    schema = run.spec.operations[c.create].body
    run.reads_back(f"{c.create}, its answer", first, made, schema, c.ignore)
    if c.created:
        run.event(*c.created, actor=by)
    item = c.params | c.item(made, first)
    if c.ready and c.get:
        run.until(f"{c.get}: ready", lambda: c.ready(run.call(c.get, item).body))
    state = first
    if c.get:
        got = run.call(c.get, item).body
        run.reads_back(c.get, first, got, schema, c.ignore)
    listed(run, c, made, first, True)
    if c.update:
        state = changed(run, c, item, first)
    if c.delete:
        ended(run, c, item, made, state)


def listed(run, c, made, sent, there):
    if not c.list:
        return
    same = c.same or (lambda row, m, s: row.get("id") == m.get("id"))

    def holds():
        return any(same(row, made, sent) for row in run.rows(c.list, c.params, c.query))

    if there:
        run.check(holds(), f"{c.list}: does not hold what was made")
    else:
        run.until(f"{c.list}: no longer holds what was deleted", lambda: not holds())


def changed(run, c, item, first):
    """Changes it and reads it back, then does so again, which must change nothing."""
    change = {k: (v(run) if callable(v) else v) for k, v in c.change.items()}
    body = {**first, **change} if c.whole else change
    schema = run.spec.operations[c.update].body
    answer = run.call(c.update, item, body)
    by = run.actor
    if isinstance(answer.body, dict) and "results" not in answer.body:
        run.reads_back(f"{c.update}, its answer", change, answer.body, schema, c.ignore)
    if c.updated:
        run.event(*c.updated, actor=by)
    if c.get:
        if c.ready:
            run.until(f"{c.get}: ready", lambda: c.ready(run.call(c.get, item).body))
        got = run.call(c.get, item).body
        run.reads_back(c.get + " after the change", change, got, schema, c.ignore)
        kept = {k: v for k, v in first.items() if k not in change}
        run.reads_back(c.get + ", what was not changed", kept, got, run.spec.operations[c.create].body, c.ignore)
        run.call(c.update, item, body)
        if c.ready:
            run.until(f"{c.get}: ready", lambda: c.ready(run.call(c.get, item).body))
        again = run.call(c.get, item).body
        run.check(
            steady(again) == steady(got), f"{c.update}: the same change a second time changes {moved(got, again)}"
        )
    return {**first, **change}


def steady(body):
    if isinstance(body, dict):
        return {k: steady(v) for k, v in body.items() if k not in VOLATILE}
    return [steady(v) for v in body] if isinstance(body, list) else body


def moved(a, b):
    a, b = steady(a), steady(b)
    return ", ".join(k for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)) or "its order"


def ended(run, c, item, made, sent):
    run.call(c.delete, item)
    by = run.actor
    if c.deleted:
        run.event(*c.deleted, actor=by)
    if c.get:
        run.until(f"{c.get}: gone after {c.delete}", lambda: run.look(c.get, item) == c.gone)
        run.call(c.get, item, expect=c.gone)
    listed(run, c, made, sent, False)
