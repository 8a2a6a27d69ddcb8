package config

import (
	"path/filepath"
	"strings"
	"time"
)

// Audit says where what proves the audit's chain is kept, outside the store.
type Audit struct {
	Folder      string        // beside the store: holds what is not named below, as the files book, key and people; empty on a cluster
	Book        string        // file of the signed checkpoints; empty: not named, on a cluster
	Key, People Source        // zero: a file of the folder, made where there is none
	Every       time.Duration // between checkpoints at most, while facts come in
	Verify      time.Duration // between verifications of the whole chain
}

func auditKeys() *shape {
	return object(
		key("book", one(text("the path of a file")),
			"The file of the signed checkpoints, outside the store: best on another disk, or sent elsewhere. A relative path starts at this file's folder. Left out: the file book in a folder beside the store that is called like it with .audit at the end. With nats.url, where there is no such folder, each process that keeps the audit needs book, a file of its own, key and people."),
		key("key", sourceKeys(), "The key that signs checkpoints and evidence: 64 random hex digits, the seed of an Ed25519 key. Left out: the file key beside the default book, made with mode 0600 where there is none."),
		key("people", sourceKeys(), "The secret by which pseudonyms are given to persons and taken back: 64 random hex digits, the same for all replicas. Whoever loses it can resolve no pseudonym any more. Left out: the file people beside the default book, made with mode 0600 where there is none."),
		key("every", one(interval()), "How often a checkpoint is signed, if there is anything new.").or("1m"),
		key("verify", one(interval()), "How often the whole chain is verified, besides at the start.").or("1h"),
	)
}

func (b *builder) audit(t *tree, store string) Audit {
	a := Audit{
		Book: b.local(as[string](t.get("book"))),
		Key:  b.source(t.get("key")), People: b.source(t.get("people")),
		Every: as[time.Duration](t.get("every")), Verify: as[time.Duration](t.get("verify")),
	}
	if store == "" { // on a cluster nothing is beside the store
		return a
	}
	a.Folder = strings.TrimRight(store, "/") + ".audit"
	for _, f := range []struct{ name, path string }{{"book", a.Book}, {"key", a.Key.File}, {"people", a.People.File}} {
		if f.path != "" && within(store, f.path) {
			b.at(t.get(f.name), "%s is inside the store %s: whoever can write the one could write both; keep it elsewhere", f.path, store)
		}
	}
	if a.Book == "" {
		a.Book = filepath.Join(a.Folder, "book")
	}
	return a
}

// within reports whether a path leads into a folder.
func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
