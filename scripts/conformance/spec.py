"""The official OpenAPI document: what may be asked, how, and what answers look like."""

import json
import re
from urllib.parse import quote, urlencode

from newer import NEWER

MEDIA = re.compile(r"^application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json$")
PREFIX = "/api/atlas/v2"


class Spec:
    def __init__(self, file):
        with open(file, encoding="utf-8") as f:
            self.doc = json.load(f)
        self.doc["paths"] = NEWER | self.doc["paths"]
        self.operations, self.known = {}, {}
        for path, item in self.doc["paths"].items():
            shared = item.get("parameters", [])
            for method, op in item.items():
                if method in ("get", "put", "post", "patch", "delete"):
                    made = Operation(self, method.upper(), path, op, shared)
                    self.operations[made.id] = made

    def resolve(self, node):
        while "$ref" in node:
            at = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            node = at
        return node

    def schema(self, name):
        return self.doc["components"]["schemas"][name]

    def mapped(self, schema, value):
        """The schema that a discriminator names for a value, or None."""
        said = schema.get("discriminator") or {}
        field = said.get("propertyName")
        if not isinstance(value, dict) or field not in value:
            return None
        ref = said.get("mapping", {}).get(value[field])
        return self.resolve({"$ref": ref}) if ref else None

    def properties(self, schema):
        """All properties that a schema or any part of it has."""
        schema = self.resolve(schema)
        if id(schema) not in self.known:
            self.known[id(schema)] = self.collect(schema, 0)
        return self.known[id(schema)]

    def collect(self, schema, depth):
        schema = self.resolve(schema)
        out = dict(schema.get("properties", {}))
        if depth < 6:
            parts = [p for kind in ("allOf", "oneOf", "anyOf") for p in schema.get(kind, [])]
            parts += [{"$ref": r} for r in (schema.get("discriminator") or {}).get("mapping", {}).values()]
            for part in parts:
                for key, value in self.collect(part, depth + 1).items():
                    out.setdefault(key, value)
        return out


class Operation:
    def __init__(self, spec, method, path, op, shared):
        self.id, self.method, self.path, self.spec = op["operationId"], method, path, spec
        params = [spec.resolve(p) for p in shared + op.get("parameters", [])]
        self.path_params = [p["name"] for p in params if p["in"] == "path"]
        self.query_params = {p["name"]: p for p in params if p["in"] == "query"}
        self.body, self.content_type = None, None
        if "requestBody" in op:
            self.content_type, media = newest(spec.resolve(op["requestBody"]).get("content", {}))
            self.body = media.get("schema") if media else None
        self.success, self.refusals, self.accept, self.version = {}, {}, None, None
        for status, response in op["responses"].items():
            kind, media = newest(spec.resolve(response).get("content", {}))
            if not status.startswith("2"):
                self.refusals[int(status)] = media.get("schema") if media else None
                continue
            self.success[int(status)] = media.get("schema") if media else None
            self.accept = kind or self.accept
        found = MEDIA.match(self.accept or "")
        self.version = found.group(1) if found else None

    @property
    def paged(self):
        return "pageNum" in self.query_params

    def url(self, params, query):
        def fill(match):
            return quote(str(params[match.group(1)]), safe="")

        url = re.sub(r"\{(\w+)\}", fill, self.path)
        if query:
            url += "?" + urlencode(query, doseq=True)
        return url


def newest(content):
    """The newest dated media type of a content object, else any."""
    dated = sorted((k for k in content if MEDIA.match(k)))
    kind = dated[-1] if dated else next(iter(sorted(content)), None)
    return kind, content.get(kind)
