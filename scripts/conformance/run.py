"""Makes calls with the credentials in turns, checks every answer, and keeps the record."""

import itertools
import json
import time

from check import REAL_STATUS, Checker, moment
from values import Maker


class Unserved(Exception):
    pass


class Undocumented(Exception):
    """The document that was given has no such operation."""


class Abort(Exception):
    """The rest of a life cycle makes no sense."""


class Resource:
    """The record of one resource's life."""

    def __init__(self, name):
        self.name, self.steps, self.checks, self.failures, self.unserved, self.seconds = name, 0, 0, [], None, 0.0

    def fail(self, what):
        if what not in self.failures:
            self.failures.append(what)


class Run:
    def __init__(self, spec, clients, org, only=None, patience=10.0, partner=None, partner_org=None):
        self.spec, self.clients, self.org, self.only = spec, clients, org, only
        self.patience = patience  # seconds for what the service does in its own time
        self.partner, self.partner_org = partner, partner_org  # another org's owner, who is not in the turns
        self.checker = Checker(spec)
        self.turn = itertools.cycle(clients)
        self.actor = clients[0]
        self.resources, self.now = [], Resource("setup")
        self.seen, self.called = set(), {}
        self.names = itertools.count(1)
        self.group = self.group_name = None

    # -- record

    def resource(self, name):
        return Life(self, name)

    def check(self, ok, what):
        self.now.checks += 1
        if not ok:
            self.now.fail(what)
        return ok

    def unique(self, prefix):
        return f"{prefix}{next(self.names)}"

    # -- calls

    def call(self, operation, params=None, body=None, query=None, who=None, expect=None):
        """One call. The answer is checked against the document, or for an expected
        refusal against the form of refusals."""
        op = self.spec.operations[operation]
        params = {"orgId": self.org, "groupId": self.group} | (params or {})
        self.actor = who or next(self.turn)
        headers = {"Accept": op.accept or "application/json"}
        sent = None
        if body is not None:
            sent = json.dumps(body)
            headers["Content-Type"] = op.content_type or "application/json"
        url = op.url(params, query)
        self.now.steps += 1
        self.called[operation] = self.called.get(operation, 0) + 1
        got = self.actor.send(op.method, url, headers, sent)
        if got.status == 501:
            raise Unserved(operation)
        self.judge(op, url, got, expect, sent)
        return got

    def judge(self, op, url, got, expect, sent):
        here = f"{op.method} {url.split('?')[0]} ({op.id})"
        if expect is not None:
            wanted = expect if isinstance(expect, tuple) else (expect,)
            self.check(got.status in wanted, f"{here}: answered {got.status} {got.code}, expected {wanted[0]}")
        else:
            real = REAL_STATUS.get(op.id)
            wanted = {real} if real else set(op.success)
            self.check(
                got.status in wanted,
                f"{here}: answered {got.status} {brief(got)}, the document has {sorted(op.success)}{f', the real service {real}' if real else ''}; sent {sent and sent[:300]}",
            )
        if got.status >= 400:
            for problem in self.checker.error(got.body, op.refusals.get(got.status)):
                self.check(False, f"{here}: error {got.status}: {problem}")
            self.check(
                got.body is None or got.headers.get("X-Error-Code") == got.code,
                f"{here}: the header X-Error-Code has {got.headers.get('X-Error-Code')}, the body {got.code}",
            )
            self.check(
                got.body is None or got.body.get("error") == got.status,
                f"{here}: the error's body does not say {got.status}",
            )
            if expect is None:
                raise Abort(here)
            return
        kind = got.headers.get("Content-Type", "")
        if got.raw and op.version and any(s is not None for s in op.success.values()):
            self.check(
                f"{op.version}+" in kind, f"{here}: Content-Type {kind!r} does not name the version {op.version}"
            )
        if "envelope=true" not in url:
            problems = self.checker.problems(op, got.status, got.body)
            self.check(not problems, f"{here}: " + "; ".join(problems[:4]))

    def look(self, operation, params=None):
        """The status of a read, without judging it."""
        op = self.spec.operations[operation]
        url = op.url({"orgId": self.org, "groupId": self.group} | (params or {}), None)
        return self.actor.send("GET", url, {"Accept": op.accept}).status

    def needs(self, operation):
        if operation not in self.spec.operations:
            raise Undocumented(operation)

    def make(self, operation, overrides=None, everything=False):
        """A request body for an operation, from its schema."""
        schema = self.spec.resolve(self.spec.operations[operation].body)
        if schema.get("type") == "array":
            overrides = {f"0.{k}": v for k, v in (overrides or {}).items()}
        return Maker(self.spec, everything).body(schema, overrides)

    def rows(self, operation, params=None, query=None):
        """All rows of a list, page by page where it has pages."""
        op, out = self.spec.operations[operation], []
        for page in range(1, 100):
            asked = dict(query or {}) | ({"itemsPerPage": 500, "pageNum": page} if op.paged else {})
            got = self.call(operation, params, query=asked).body
            if not isinstance(got, dict) or "results" not in got:
                self.check(isinstance(got, list), f"{operation}: neither a list nor pages: {str(got)[:80]}")
                return got if isinstance(got, list) else []
            out += got["results"]
            if not op.paged or len(got["results"]) < 500:
                break
        return out

    def until(self, what, probe):
        """Waits for what the service does in its own time."""
        end = time.monotonic() + self.patience
        while True:
            found = probe()
            if found or time.monotonic() > end:
                self.check(found, f"{what}: not within {self.patience:g} s")
                return found
            time.sleep(0.05)

    # -- what must hold

    def reads_back(self, what, sent, got, schema=None, ignore=()):
        for problem in differences(sent, got, "", ignore, self.hidden(schema)):
            self.check(False, f"{what}: {problem}")
        self.now.checks += 1

    def hidden(self, schema):
        """The properties of a request that no answer shows."""
        schema = self.spec.resolve(schema or {})
        props = self.spec.properties(schema.get("items", schema))
        return {k for k, p in props.items() if self.spec.resolve(p).get("writeOnly")}

    def event(self, scope, kinds, actor=None, params=None, nobody=False):
        """An event of one of the kinds, newer than all taken so far, that names who did
        it, is in the feed. What the service did by itself names nobody."""
        kinds = (kinds,) if isinstance(kinds, str) else kinds
        actor = actor or self.actor
        operation = "listOrgEvents" if scope == "org" else "listGroupEvents"
        kept = self.turn, self.now.steps
        state = {"found": None, "unnamed": None}

        def probe():
            op = self.spec.operations[operation]
            url = op.url(
                {"orgId": self.org, "groupId": self.group} | (params or {}),
                {"eventType": list(kinds), "itemsPerPage": 20},
            )
            got = actor.send("GET", url, {"Accept": op.accept})
            if not self.check(got.status == 200, f"GET {url}: answered {got.status} {brief(got)}"):
                return True
            problems = self.checker.problems(op, 200, got.body)
            self.check(not problems, f"GET {url.split('?')[0]} ({operation}): " + "; ".join(problems[:4]))
            for e in got.body["results"]:
                if e["eventTypeName"] in kinds and e["id"] not in self.seen:
                    if nobody or actor.name in (e.get("publicKey"), e.get("clientId"), e.get("username")):
                        self.seen.add(e["id"])
                        state["found"] = e
                        return True
                    state["unnamed"] = e
            return False

        end = time.monotonic() + self.patience / 2
        while not probe() and time.monotonic() < end:
            time.sleep(0.05)
        self.now.steps = kept[1] + 1
        what = f"{operation}: no event {'/'.join(kinds)} by {actor.name}"
        if state["unnamed"] and not state["found"]:
            self.seen.add(state["unnamed"]["id"])
            what += f"; there is one without its name: {json.dumps(state['unnamed'])[:300]}"
        self.check(state["found"] is not None, what)
        return state["found"]


class Life:
    """Collects what happens in one resource's life; a broken step ends it."""

    def __init__(self, run, name):
        self.run, self.record = run, Resource(name)

    def __enter__(self):
        self.before, self.run.now = self.run.now, self.record
        self.run.resources.append(self.record)
        self.record.seconds = -time.monotonic()
        return self.record

    def __exit__(self, kind, error, trace):
        self.run.now = self.before
        self.record.seconds += time.monotonic()
        if kind is None:
            return False
        if issubclass(kind, Unserved):
            self.record.unserved = str(error)
            return True
        if issubclass(kind, Undocumented):
            self.run.resources.remove(self.record)
            return True
        if issubclass(kind, Abort):
            return True
        if issubclass(kind, (KeyError, TypeError, IndexError, AttributeError, StopIteration, ValueError)):
            line = trace
            while line.tb_next:
                line = line.tb_next
            self.record.fail(
                f"an answer is not as this client needs it: {kind.__name__} {error} (line {line.tb_lineno} of {line.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]})"
            )
            return True
        return False


def brief(got):
    if isinstance(got.body, dict) and "errorCode" in got.body:
        return f"{got.body['errorCode']} ({got.body.get('detail')})"
    return ""


def differences(sent, got, at, ignore, hidden):
    """Where an answer does not show what was sent."""
    if sent is None:
        return [] if got in (None, "", []) else [f"{at or 'it'}: sent null, reads back {got!r}"]
    if isinstance(sent, dict):
        if not isinstance(got, dict):
            return [f"{at}: sent an object, reads back {got!r}"]
        out = []
        for key, value in sent.items():
            below = f"{at}.{key}" if at else key
            if key in ignore or below in ignore or (key in hidden and key not in got):
                continue
            if key not in got:
                if value is not None:
                    out.append(f"{below}: sent {short(value)}, is not read back")
                continue
            out += differences(value, got[key], below, ignore, set())
        return out
    if isinstance(sent, list):
        if not isinstance(got, list):
            return [f"{at}: sent a list, reads back {got!r}"]
        if len(sent) != len(got):
            return [f"{at}: sent {short(sent)}, reads back {short(got)}"]
        out = []
        for one in sent:
            tried = [differences(one, g, f"{at}[]", ignore, set()) for g in got]
            out += min(tried, key=len, default=[])
        return out
    if isinstance(sent, str) and moment(sent) and isinstance(got, str):
        return [] if moment(sent) == moment(got) else [f"{at}: sent {sent}, reads back {got}"]
    if sent != got or isinstance(sent, bool) != isinstance(got, bool):
        return [f"{at}: sent {short(sent)}, reads back {short(got)}"]
    return []


def short(value):
    text = json.dumps(value)
    return text if len(text) < 160 else text[:157] + "..."
