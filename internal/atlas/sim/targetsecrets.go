package sim

import "slices"

// writeOnlyKeys are the attributes of targets that are written and never read.
func writeOnlyKeys() []string {
	return []string{"password", "clientSecret", "sslKey", "sslKeyPassword", "testS3Bucket"}
}

// shown is a document without what is never read back.
func shown(doc object) object {
	out, _ := withoutKeys(doc, writeOnlyKeys(), func(any) any { return nil }).(object)
	return out
}

// keepUnread adds the held secrets that the parts of a document leave out, as one does
// who writes back what was read (a guess).
func keepUnread(doc, held object) {
	for name, part := range doc {
		sent, _ := part.(object)
		old, _ := held[name].(object)
		for _, key := range writeOnlyKeys() {
			if sent != nil && sent[key] == nil && old[key] != nil {
				sent[key] = old[key]
			}
		}
	}
}

// masked is a document whose secrets can be told apart and not be read; headers may hold
// some.
func masked(doc object) object {
	out, _ := withoutKeys(doc, append(writeOnlyKeys(), "headers"), func(v any) any { return mask(text(v)) }).(object)
	return out
}

// withoutKeys is a copy in which the values of the keys, at any depth, are replaced; by
// nil: left out.
func withoutKeys(v any, keys []string, replace func(any) any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutKeys(e, keys, replace)
		}
		return out
	case object:
		out := make(object, len(v))
		for k, e := range v {
			if !slices.Contains(keys, k) {
				out[k] = withoutKeys(e, keys, replace)
			} else if r := replace(e); r != nil {
				out[k] = r
			}
		}
		return out
	}
	return v
}
