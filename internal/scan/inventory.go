package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/wholefile"
)

// version is the v of the inventories that this program writes.
const version = 1

// Reader reads Atlas.
type Reader interface {
	Projects(ctx context.Context, org string) ([]access.Project, error)
	Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading
	Now() time.Time // Atlas time
}

// Inventory is what one look at Atlas showed.
type Inventory struct {
	V       int                                                `json:"v"`
	Version string                                             `json:"version,omitempty"` // of the program that took it
	Profile string                                             `json:"profile,omitempty"`
	At      time.Time                                          `json:"at"` // when it was begun, in Atlas time
	Orgs    []string                                           `json:"orgs"`
	Scopes  map[access.Scope]map[access.Kind]access.Collection `json:"scopes"`
}

// Progress is how far a look has come.
type Progress struct{ Scopes, Reads, Done int }

// Options say what is read.
type Options struct {
	Version  string
	Profile  string
	Orgs     []string
	Kinds    func(access.Scope) []access.Kind // that are read
	Progress func(Progress)                   // called after each read, by one goroutine at a time; nil: nobody asks
}

const sideBySide = 8

// Take reads everything once. What cannot be read is in the inventory as that; an org
// whose projects cannot be listed is an error, since what is missing could not be named.
func Take(ctx context.Context, r Reader, o Options) (Inventory, error) {
	inv := Inventory{V: version, Version: o.Version, Profile: o.Profile, At: r.Now(), Orgs: slices.Clone(o.Orgs), Scopes: map[access.Scope]map[access.Kind]access.Collection{}}
	type job struct {
		scope access.Scope
		kind  access.Kind
	}
	var jobs []job
	for _, org := range o.Orgs {
		projects, err := r.Projects(ctx, org)
		if err != nil {
			return inv, err // it says of which org
		}
		scopes := []access.Scope{access.OrgScope(org)}
		for _, p := range projects {
			scopes = append(scopes, access.ProjectScope(p.ID))
		}
		for _, s := range scopes {
			inv.Scopes[s] = map[access.Kind]access.Collection{}
			for _, k := range o.Kinds(s) {
				jobs = append(jobs, job{s, k})
			}
		}
	}
	var mu sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for _, j := range jobs {
		group.Go(func() error {
			reading := r.Read(ctx, j.scope, j.kind)
			mu.Lock()
			defer mu.Unlock()
			inv.Scopes[j.scope][j.kind] = collection(j.scope, j.kind, reading)
			done++
			if o.Progress != nil {
				o.Progress(Progress{Scopes: len(inv.Scopes), Reads: len(jobs), Done: done})
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return inv, fmt.Errorf("read Atlas: %w", err)
	}
	return inv, nil
}

// collection is a reading as the watcher would store it at first sight.
func collection(scope access.Scope, kind access.Kind, r access.Reading) access.Collection {
	c := access.NewCollection(scope, kind, r.States)
	c.Status, c.Reason, c.StatusSince, c.Odd = r.Status, r.Reason, r.Began, r.Odd
	if r.Status == access.StatusComplete {
		c.FirstRead, c.ChangedRead = r.Began, r.Began
	}
	for i := range c.Resources {
		c.Resources[i].FirstSeen, c.Resources[i].Baseline = r.Began, true
	}
	return c
}

// Save writes an inventory to a file that only its owner reads, whole or not at all.
func Save(name string, inv Inventory) error {
	err := wholefile.Write(name, func(f *os.File) error { return json.NewEncoder(f).Encode(inv) })
	if err != nil {
		return fmt.Errorf("save the inventory: %w", err)
	}
	return nil
}

// Open reads a saved inventory.
func Open(name string) (Inventory, error) {
	f, err := os.Open(name)
	if err != nil {
		return Inventory{}, fmt.Errorf("open the saved inventory: %w", err)
	}
	defer func() { _ = f.Close() }()
	inv, err := decode(f)
	if err != nil {
		return Inventory{}, fmt.Errorf("read the saved inventory %s: %w", name, err)
	}
	return inv, nil
}

func decode(r io.Reader) (Inventory, error) {
	var inv Inventory
	src, err := io.ReadAll(r)
	if err != nil {
		return inv, err
	}
	if err := json.Unmarshal(src, &inv); err != nil {
		return inv, misread(src, err)
	}
	switch {
	case inv.V < 1 || inv.At.IsZero():
		return inv, fmt.Errorf("it is no inventory of gatewarden: save one with scan --save")
	case inv.V > version:
		return inv, fmt.Errorf("it is of version %d, and this program knows %d: use a newer one", inv.V, version)
	}
	for scope, kinds := range inv.Scopes {
		if err := scope.Validate(); err != nil {
			return inv, err
		}
		for k, c := range kinds {
			if c.Kind != k || c.Scope != scope {
				return inv, fmt.Errorf("%s of %s holds %s of %s: save it anew", k, scope, c.Kind, c.Scope)
			}
			if err := sound(c); err != nil {
				return inv, err
			}
		}
	}
	return inv, nil
}

// misread says what a file is that is no inventory.
func misread(src []byte, err error) error {
	var head struct {
		Tool string `json:"tool"`
	}
	syntax, cut := errors.AsType[*json.SyntaxError](err)
	switch {
	case cut:
		return fmt.Errorf("it is no inventory of gatewarden, or one that is cut (%w): save it anew with scan --save", syntax)
	case json.Unmarshal(src, &head) == nil && head.Tool != "":
		return fmt.Errorf("it is a report, which does not hold what was read: give --from what scan --save kept")
	}
	return fmt.Errorf("it is no inventory of gatewarden: save one with scan --save")
}

// sound refuses a collection that no program of ours wrote: judging looks resources up by
// name, and takes each for one of its kind.
func sound(c access.Collection) error {
	for i, r := range c.Resources {
		switch {
		case r.Box.IsZero() || r.Box.Kind() != c.Kind:
			return fmt.Errorf("resource %d of %s of %s is none of its kind: save it anew", i+1, c.Kind, c.Scope)
		case i > 0 && c.Resources[i-1].Name() >= r.Name():
			return fmt.Errorf("%s of %s is not in order of name: save it anew", c.Kind, c.Scope)
		}
	}
	return nil
}
