"""HTTP with the two kinds of credentials, written from the RFCs."""

import base64
import hashlib
import http.client
import json
import re
import secrets
import time
from urllib.parse import quote, urlsplit


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        try:
            self.body = json.loads(raw) if raw else None
        except ValueError:
            self.body = None

    @property
    def code(self):
        return self.body.get("errorCode") if isinstance(self.body, dict) else None


class Client:
    """One connection to the service; subclasses know how to say who they are."""

    def __init__(self, base_url):
        at = urlsplit(base_url)
        self.kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
        self.host, self.connection = at.netloc, None

    def once(self, method, url, headers, body):
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = self.kind(self.host, timeout=30)
            try:
                self.connection.request(method, url, body=body, headers=headers)
                got = self.connection.getresponse()
                return Answer(got.status, got.headers, got.read())
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if attempt == 2:
                    raise

    def send(self, method, url, headers, body=None):
        """Sends as this credential, and waits when told that it was too much."""
        for _ in range(6):
            got = self.authenticated(method, url, dict(headers), body)
            if got.status != 429:
                return got
            time.sleep(min(float(got.headers.get("Retry-After", "1")), 5.0) / 2)
        return got

    def authenticated(self, method, url, headers, body):
        return self.once(method, url, headers, body)


class ServiceAccount(Client):
    def __init__(self, base_url, client_id, client_secret):
        super().__init__(base_url)
        self.name, self.secret, self.token = client_id, client_secret, None

    def ask_for_token(self):
        pair = quote(self.name, safe="") + ":" + quote(self.secret, safe="")
        headers = {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        got = self.once("POST", "/api/oauth/token", headers, "grant_type=client_credentials")
        if got.status == 200:
            self.token = got.body["access_token"]
        return got

    def authenticated(self, method, url, headers, body):
        for attempt in (1, 2):
            if self.token is None:
                self.ask_for_token()
            got = self.once(method, url, headers | {"Authorization": f"Bearer {self.token}"}, body)
            if got.status != 401 or attempt == 2:
                return got
            self.token = None


class ApiKey(Client):
    """HTTP digest, RFC 7616 with MD5. It writes qop in quotes every other time: clients
    differ in that, and the service takes both."""

    def __init__(self, base_url, public, private):
        super().__init__(base_url)
        self.name, self.private, self.quoted = public, private, False

    def authenticated(self, method, url, headers, body):
        first = self.once(method, url, headers, body)
        challenge = first.headers.get("WWW-Authenticate", "")
        if first.status != 401 or not challenge.startswith("Digest "):
            return first
        return self.once(method, url, headers | {"Authorization": self.response(challenge, method, url)}, body)

    def response(self, challenge, method, url):
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.removeprefix("Digest ")))
        cnonce, count = secrets.token_hex(8), "00000001"
        a1 = digest(f"{self.name}:{said['realm']}:{self.private}")
        a2 = digest(f"{method}:{url}")
        answer = digest(f"{a1}:{said['nonce']}:{count}:{cnonce}:auth:{a2}")
        self.quoted = not self.quoted
        qop = '"auth"' if self.quoted else "auth"
        return (
            f'Digest username="{self.name}", realm="{said["realm"]}", nonce="{said["nonce"]}", uri="{url}", '
            f'algorithm=MD5, qop={qop}, nc={count}, cnonce="{cnonce}", response="{answer}"'
        )


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()
