"""Request bodies made from the schemas of the official document."""

import datetime
import re

DROP = object()  # an override that leaves a property out

# What a pattern is tried with; the first that fits is taken.
CANDIDATES = (
    "32b6e34b3d91647abb20e7b8",
    "32b6e34b3d91647abb20",
    "mdb_sa_id_32b6e34b3d91647abb20e7b8",
    "203.0.113.40",
    "203.0.113.0/24",
    "example",
    "example.com",
    "https://example.com/x",
    "CN=reader,DC=example,DC=com",
    "US",
    "arn:aws:iam::123456789012:role/example",
    "sg-0123456789",
    "vpc-0123456789abcdef0",
    "vpce-0123456789abcdef0",
    "10.8.0.0/21",
    "123456789012",
    "a@example.com",
    "1",
)


def tomorrow(days=1):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def pattern(text):
    """A pattern of the document in Python's dialect, or None where it has no such."""
    text = (
        text.replace(r"\p{L}", "A-Za-z")
        .replace(r"\p{N}", "0-9")
        .replace("(?<", "(?P<")
        .replace("(?P<!", "(?<!")
        .replace("(?P<=", "(?<=")
    )
    try:
        return re.compile(text)
    except re.error:
        return None


class Maker:
    """Makes values. With everything set, optional properties are made too."""

    def __init__(self, spec, everything=False):
        self.spec, self.everything = spec, everything

    def body(self, schema, overrides=None):
        overrides = overrides or {}
        made = self.value(schema, overrides, "", 0)
        if isinstance(made, dict):
            for key, value in overrides.items():
                if "." not in key and value is not DROP:
                    made[key] = value
        return made

    def value(self, schema, overrides, at, depth):
        schema = self.spec.resolve(schema)
        if at in overrides:
            return overrides[at]
        chosen = self.alternative(schema, overrides, at)
        if chosen is not None and "properties" not in schema and schema.get("type") != "object":
            return self.value(chosen, overrides, at, depth)
        if "allOf" in schema and "properties" not in schema and len(schema["allOf"]) == 1:
            return self.value(schema["allOf"][0], overrides, at, depth)
        if schema.get("type") == "array":
            few = schema.get("minItems", 0) if depth > 4 else max(1, schema.get("minItems", 1))
            return [self.value(schema["items"], overrides, at + ".0" if at else "0", depth + 1) for _ in range(few)]
        if schema.get("type") == "object" or "properties" in schema or "allOf" in schema:
            return self.object(schema, chosen, overrides, at, depth)
        return self.scalar(schema)

    def alternative(self, schema, overrides, at):
        """Which of several alternatives is meant: the one that an override names."""
        field = (schema.get("discriminator") or {}).get("propertyName")
        path = f"{at}.{field}" if at else field
        if field and path in overrides:
            return self.spec.mapped(schema, {field: overrides[path]})
        options = schema.get("oneOf") or schema.get("anyOf")
        return self.spec.resolve(options[0]) if options else None

    def parts(self, schema):
        """A schema and all that it is made of, but none of its alternatives."""
        schema = self.spec.resolve(schema)
        out = [schema]
        for part in schema.get("allOf", []):
            out += self.parts(part)
        return out

    def object(self, schema, chosen, overrides, at, depth):
        parts = self.parts(schema) + (self.parts(chosen) if chosen else [])
        required = {key for part in parts for key in part.get("required", [])}
        out = {}
        for key, prop in ((k, p) for part in parts for k, p in part.get("properties", {}).items()):
            path = f"{at}.{key}" if at else key
            given = path in overrides or any(o.startswith(path + ".") for o in overrides)
            if overrides.get(path) is DROP or key == "links":
                continue
            whole = self.spec.resolve(prop)
            if not given and (
                whole.get("readOnly") or prop.get("readOnly") or whole.get("deprecated") or prop.get("deprecated")
            ):
                continue
            if given or key in required or (self.everything and depth <= 2):
                out[key] = self.value(prop, overrides, path, depth + 1)
        return out

    def scalar(self, schema):
        if schema.get("enum"):
            return schema["enum"][0]
        kind = schema.get("type", "string")
        if kind == "boolean":
            return not schema.get("default", False)
        if kind in ("integer", "number"):
            n = schema.get("example", schema.get("default", schema.get("minimum", 1)))
            n = min(max(n, schema.get("minimum", n)), schema.get("maximum", n))
            return int(n) if kind == "integer" else n
        return self.text(schema)

    def text(self, schema):
        if schema.get("format") == "date-time":
            return tomorrow()
        if schema.get("format") == "email":
            return "somebody@example.com"
        fits = pattern(schema["pattern"]) if "pattern" in schema else None
        tried = [str(schema[k]) for k in ("example", "default") if k in schema and schema[k] not in (None, "")]
        for one in (*tried, *CANDIDATES):
            if fits and not fits.search(one):
                continue
            if schema.get("minLength", 0) <= len(one) <= schema.get("maxLength", 1 << 20):
                return one
        return "x" * max(1, schema.get("minLength", 1))
