package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
)

// PlanOptions say what a new configuration is held against.
type PlanOptions struct {
	Version   string
	Old       *config.File       // that it is compared with; nil: that of the daemon, else nothing
	From      string             // a saved inventory, or an exported history: what is true now
	Live      bool               // Atlas is read, though a daemon may run
	Server    string             // of the admin API; empty: http.admin of the new configuration
	Transport http.RoundTripper  // to Atlas; nil: http.DefaultTransport
	Client    *http.Client       // to the daemon; nil: one of its own
	Progress  func(ScanProgress) // of a read of Atlas; nil: nobody asks
	Now       time.Time          // zero: now
}

// The sources of what is true now.
const (
	planLive   = report.Live
	planDaemon = "daemon"
	planFile   = "file"
)

// planning is one plan under way.
type planning struct {
	PlanOptions
	file    *config.File
	server  server
	present scan.Present
	head    scan.History // of a daemon, or of the history that it wrote
	told    bool         // there is a head
	teller  string       // of it, for people
	notes   []string
	out     report.PreviewInventory
	new     book
	old     *book
}

// Plan says what a new configuration would open, close and write, against what is true now.
// It sends nothing to Atlas but reads, and nothing at all where it has another source.
func Plan(ctx context.Context, f *config.File, o PlanOptions) (report.Preview, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	p := &planning{PlanOptions: o, file: f, server: serverOf(o.Server, f, o.Client)}
	if err := p.books(); err != nil { // every mistake is said before anything is read
		return report.Preview{}, configError{err}
	}
	if err := p.read(ctx); err != nil {
		return report.Preview{}, err
	}
	if err := p.compared(); err != nil {
		return report.Preview{}, configError{err}
	}
	return p.preview(), nil
}

// books builds both sides as far as the files say them. Who Gatewarden itself is in Atlas is
// known where the credentials are at hand; as in a pull request they may not be.
func (p *planning) books() error {
	own, unset := ownAccess(p.file)
	if unset != nil {
		own = access.OwnAccess{}
		if p.From == "" && p.Live {
			return unset
		}
		p.notes = append(p.notes, "who Gatewarden itself is in Atlas is not known here, since its credentials are not at hand: what rests on that is left out")
	}
	s, err := buildFor(p.file, own)
	if err == nil {
		p.new = bookOf(s)
	} else if p.Old != nil {
		err = fmt.Errorf("the new configuration: %w", err)
	}
	if p.Old == nil {
		return err
	}
	former := access.OwnAccess{}
	if unset == nil {
		if former, unset = ownAccess(p.Old); unset != nil {
			former = own
		}
	}
	old, wrong := buildFor(p.Old, former)
	if wrong != nil {
		return errors.Join(err, fmt.Errorf("the old configuration: %w", wrong))
	}
	b := bookOf(old)
	p.old = &b
	return err
}

// read finds out what is true now: out of the file, from the daemon, or from Atlas.
func (p *planning) read(ctx context.Context) error {
	switch {
	case p.From != "":
		if err := p.fromFile(); err != nil {
			return configError{err}
		}
		if p.Server != "" && p.old == nil {
			return p.ask(ctx, false)
		}
		return nil
	case p.Live:
		if p.old == nil {
			p.askBriefly(ctx)
		}
		if err := p.compared(); err != nil {
			return configError{err}
		}
		return p.look(ctx)
	}
	err := p.ask(ctx, true)
	if errors.Is(err, syscall.ECONNREFUSED) && p.Server == "" {
		if _, unset := ownAccess(p.file); unset != nil {
			return configError{fmt.Errorf("no daemon answers at %s, and Atlas cannot be read: %w; give what scan --save kept with --from FILE, or name a daemon with --server URL", p.server.base, unset)}
		}
		p.notes = append(p.notes, "no daemon answers at "+p.server.base+": Atlas was read instead")
		return p.look(ctx)
	}
	return err
}

// fromFile takes what scan --save or replay --export kept.
func (p *planning) fromFile() error {
	p.out.Source, p.out.Where = planFile, p.From
	inv, err := scan.Open(p.From)
	if err == nil {
		p.present = inv.Present()
		return nil
	}
	present, head, other := scan.OpenPresent(p.From)
	if other != nil {
		return err // it is neither, and an inventory is what was probably meant
	}
	p.present, p.head, p.told, p.teller = present, head, true, "the daemon of "+p.From
	return nil
}

// look reads Atlas as scan does: what either configuration judges by.
func (p *planning) look(ctx context.Context) error {
	reader, err := newOneLook(p.file, ScanOptions{Version: p.Version, Transport: p.Transport, Progress: p.Progress})
	if err != nil {
		return err
	}
	inv, err := scan.Take(ctx, reader, scan.Options{Version: p.Version, Profile: p.file.Atlas.Profile, Orgs: reader.orgs, Kinds: p.kinds, Progress: reader.progressed})
	if err != nil {
		return err
	}
	p.out.Source, p.out.Where, p.out.Calls = planLive, p.file.Atlas.BaseURL, int(reader.calls.Load())
	p.present = inv.Present()
	return nil
}

// kinds are those that either of the configurations judges by.
func (p *planning) kinds(scope access.Scope) []access.Kind {
	out := scanned(p.new.settings)(scope)
	if p.old != nil {
		out = append(out, p.old.engine.Kinds(scope)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ask takes from the daemon what it judges by, and, if that is wanted, what it knows.
func (p *planning) ask(ctx context.Context, inventory bool) error {
	dir, err := os.MkdirTemp("", "gatewarden-plan-*") // 0700
	if err != nil {
		return fmt.Errorf("make a folder for what the daemon knows: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, "present")
	if err := scan.SaveHistory(name, func(w io.Writer) error { return p.server.present(ctx, w) }); err != nil {
		return err
	}
	present, head, err := scan.OpenPresent(name)
	if err != nil {
		return err
	}
	p.head, p.told, p.teller = head, true, "the daemon at "+p.server.base
	if !inventory {
		return nil
	}
	p.present, p.out.Source, p.out.Where = present, planDaemon, p.server.base
	return nil
}

// askBriefly asks what is compared with, where a daemon happens to run.
func (p *planning) askBriefly(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askBriefly)
	defer cancel()
	_ = p.ask(ctx, false) // then nothing is compared, and that is said
}

// compared settles what the new configuration is compared with.
func (p *planning) compared() error {
	if p.new.own() == "" && p.told {
		s, err := buildFor(p.file, p.head.Running.Policy.Own) // the daemon knows who it is
		if err != nil {
			return err
		}
		p.new = bookOf(s)
	}
	if p.old != nil || !p.told {
		return nil
	}
	b, err := bookOfDaemon(p.head, p.teller)
	if err != nil {
		p.notes = append(p.notes, "what the daemon judges by cannot be had: "+err.Error())
		return nil
	}
	p.old = &b
	return nil
}

func (p *planning) preview() report.Preview {
	org := orgsOf(p.present)
	now := actor{book: p.new, org: org, underway: p.present.Actions}
	o := scan.CompareOptions{New: scan.Side{Engine: p.new.engine, Answer: now.answer, Waivers: p.new.rules.Waivers}}
	var former *actor
	var parts []part
	if p.old != nil {
		former = &actor{book: *p.old, org: org, underway: p.present.Actions}
		side := scan.Side{Engine: p.old.engine, Waivers: p.old.rules.Waivers}
		if p.old.acts {
			side.Answer = former.answer
		}
		o.Old = &side
		parts = changedParts(*p.old, p.new)
		for _, x := range parts {
			o.Parts = append(o.Parts, scan.Part{Name: x.name, Engine: x.engine})
		}
	}
	out := scan.Compare(p.present, o)
	out.Version = p.Version
	out.New, out.Catalog = p.new.side(), scan.RulesOf(p.new.engine)
	if p.old != nil {
		out.Old = p.old.side()
		out.Catalog = append(out.Catalog, missingIn(out.Catalog, scan.RulesOf(p.old.engine))...)
		out.Settings, out.Privilege = differingSettings(*p.old, p.new), differingRoles(p.old.profile, p.new.profile)
	} else if p.present.Docs != nil { // what stands is known, and not by which rules
		out.Old.Name = "what " + p.teller + " found"
	}
	if p.old != nil || p.present.Docs == nil {
		out.Responses = responses(former, now)
	}
	p.inventory(&out)
	p.locate(&out)
	out.Notes = append(out.Notes, p.allNotes(out)...)
	out.Count()
	return out
}

func missingIn(have, all []report.Rule) []report.Rule {
	return slices.DeleteFunc(all, func(r report.Rule) bool {
		return slices.ContainsFunc(have, func(h report.Rule) bool { return h.ID == r.ID })
	})
}

// orgsOf tells the org of each project.
func orgsOf(p scan.Present) map[access.Scope]string {
	out := map[access.Scope]string{}
	for scope, kinds := range p.Scopes {
		if scope.IsOrg() {
			out[scope] = scope.ID()
		}
		for _, x := range access.States[access.Project](kinds[access.KindProject]) {
			out[scope] = x.OrgID
		}
	}
	return out
}

// inventory says what is true now and how that is known.
func (p *planning) inventory(out *report.Preview) {
	i := &p.out
	i.At, i.Profile, i.Once, i.Scopes, i.Findings = p.present.At, p.present.Profile, p.present.Once, len(p.present.Scopes), p.present.Docs != nil
	i.Age = max(0, p.Now.Sub(i.At).Truncate(time.Second))
	if i.Source == planLive {
		i.Age = 0
	}
	for _, scope := range slices.Sorted(maps.Keys(p.present.Scopes)) {
		title, read := calledIn(p.present, scope), 0
		var gaps []string
		for _, k := range slices.Sorted(maps.Keys(p.present.Scopes[scope])) {
			c := p.present.Scopes[scope][k]
			switch {
			case c.Status == access.StatusComplete || c.Status == access.StatusUnsupported:
				read++
			case slices.Contains(p.new.engine.Kinds(scope), k):
				gaps = append(gaps, fmt.Sprintf("%s (%s): %s", k, cmp.Or(c.Status, "unread"), c.Reason))
			}
		}
		if read == 0 {
			i.Unread = append(i.Unread, title)
			continue
		}
		for _, g := range gaps {
			i.Gaps = append(i.Gaps, title+": "+g)
		}
	}
	for _, o := range p.file.Atlas.Orgs {
		if !slices.Contains(p.present.Orgs, o.ID) {
			i.Unread = append(i.Unread, "org "+o.ID)
		}
	}
	out.Inventory = *i
}

// controls are what people have frozen and stopped, by scope and in order.
func (p *planning) controls() iter.Seq2[access.Scope, access.Control] {
	return func(yield func(access.Scope, access.Control) bool) {
		if p.head.Acting == nil {
			return
		}
		for _, scope := range slices.Sorted(maps.Keys(p.head.Acting.Controls)) {
			if !yield(scope, p.head.Acting.Controls[scope]) {
				return
			}
		}
	}
}

// calledIn is what a scope is called.
func calledIn(p scan.Present, scope access.Scope) string {
	for _, x := range access.States[access.Project](p.Scopes[scope][access.KindProject]) {
		return x.Title
	}
	for _, x := range access.States[access.Org](p.Scopes[scope][access.KindOrg]) {
		return x.Title
	}
	return string(scope)
}

// allNotes are what cannot be known.
func (p *planning) allNotes(out report.Preview) []string {
	notes := slices.Clone(p.notes)
	say := func(when bool, text string, args ...any) {
		if when {
			notes = append(notes, fmt.Sprintf(text, args...))
		}
	}
	say(p.old == nil && p.present.Docs != nil, "only the findings are compared: by which rules and responses the daemon goes is not known")
	say(p.old == nil && p.present.Docs == nil, "nothing is compared: there is no --old FILE, and no daemon told what it judges by; all that the new configuration finds counts as opened")
	say(p.old != nil && !p.old.acts, "the daemon does not tell what it does about findings (it is of an older version, or the history was exported): what differs of that is not known")
	say(p.present.Once, "it is one look: what rules on changes, and those that rest on what is seen over months, would find is not known; when and by whom something was made neither")
	say(p.present.Once && len(p.present.Waivers.Waivers) == 0, "waivers, acknowledgements and expectations that commands gave are the daemon's, and not known here")
	say(!p.present.Once && p.present.Docs == nil, "the findings that the daemon keeps are not known: what stands is what the old configuration says of the state")
	say(true, "what would be written about one that comes is worked out on the ones that stand, as they stand; a new one may differ")
	for _, org := range p.present.Orgs {
		say(!slices.ContainsFunc(p.file.Atlas.Orgs, func(o config.Org) bool { return o.ID == org }), "org %s is not in the new configuration: nothing of it would be watched any more", org)
	}
	say(len(p.new.windows) > 0, "what change windows (guards.windows) do to reverts while they are open, or maintenance windows while none is, is left out")
	for scope, c := range p.controls() {
		title := calledIn(p.present, scope)
		incident, on := c.Incident(p.present.At)
		say(c.Freeze.On, "writes are frozen in %s since %s, by %s: %s; until that ends nothing is written there, whatever the configuration says", title, access.Stamp(c.Freeze.At), c.Freeze.By, c.Freeze.Reason)
		say(on, "incident %s is on in %s until %s: reverts are questions until then", incident.Name, title, access.Stamp(incident.Until))
		for _, stop := range c.Stopped {
			say(true, "%s writes nothing by itself in %s since %s: %s", stop.Rule, title, access.Stamp(stop.At), stop.Why)
		}
	}
	say(p.out.Age > 24*time.Hour, "the inventory is %s old: what changed since is not in it", scan.Length(p.out.Age))
	return notes
}
