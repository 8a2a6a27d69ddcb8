package report

import (
	"cmp"
	_ "embed"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// PreviewVersion is the v of the previews that this program writes.
const PreviewVersion = 1

// Preview is what another configuration would open, close and write, against what is true
// now. It says as carefully what cannot be known. [WritePreview] hands it out;
// preview.schema.json describes its JSON.
type Preview struct {
	V         int                `json:"v"`
	Tool      string             `json:"tool"` // gatewarden
	Version   string             `json:"version,omitempty"`
	At        time.Time          `json:"at"`           // at which all of it is judged: when the inventory was taken
	New       PreviewSide        `json:"new"`          // the configuration that is looked at
	Old       PreviewSide        `json:"old,omitzero"` // that it is compared with; without a name: nothing is
	Inventory PreviewInventory   `json:"inventory"`    // what is true now, and how that is known
	Summary   PreviewSummary     `json:"summary"`      // set where the preview is made
	Settings  []PreviewSetting   `json:"settings"`     // that differ and decide what is written or read
	Moves     []PreviewMove      `json:"moves"`        // projects that come into another environment
	Rules     []PreviewRule      `json:"rules"`        // that differ
	Responses []PreviewResponse  `json:"responses"`    // what would be done about what comes, where that differs
	Waivers   []PreviewWaiver    `json:"waivers"`      // that begin, end or change
	Findings  []PreviewFinding   `json:"findings"`     // all that stand by one of the two
	Unknown   []PreviewUnknown   `json:"unknown"`      // rules that could not tell
	Privilege []PreviewPrivilege `json:"privilege"`    // roles that the credentials need, or need no more
	Notes     []string           `json:"notes"`        // what cannot be known
	Artifact  string             `json:"-"`            // the new configuration's file, as SARIF names it
	Catalog   []Rule             `json:"-"`            // all rules of both, for SARIF
}

// PreviewSide is one of the two configurations.
type PreviewSide struct {
	Name  string `json:"name,omitempty"`  // its file, or the daemon that runs by it
	Rules string `json:"rules,omitempty"` // hash of rules and configuration
	Count int    `json:"count,omitempty"` // rules
}

// PreviewInventory is what was true, and how that is known.
type PreviewInventory struct {
	Source   string        `json:"source"`            // Live, daemon, store or file
	Where    string        `json:"where,omitempty"`   // the address or the file
	At       time.Time     `json:"at"`                // when it was taken
	Age      time.Duration `json:"ageNs"`             // when it was looked at, in nanoseconds
	Profile  string        `json:"profile,omitempty"` // it was taken under
	Scopes   int           `json:"scopes"`
	Unread   []string      `json:"unread,omitempty"` // scopes of which nothing could be read
	Gaps     []string      `json:"gaps,omitempty"`   // kinds that could not be read, with where and why
	Once     bool          `json:"once,omitempty"`   // one look: rules on changes and on the past are not asked
	Calls    int           `json:"calls,omitempty"`  // to Atlas
	Findings bool          `json:"findings"`         // the findings that a daemon keeps are known
}

// Effect is what becomes of one finding.
type Effect string

// The effects. What stays as it is has none.
const (
	EffectOpens    Effect = "opens"
	EffectCloses   Effect = "closes"
	EffectLapses   Effect = "lapses"   // its waiver holds no more: it stands open again
	EffectWaived   Effect = "waived"   // a waiver begins to hold
	EffectUnknown  Effect = "unknown"  // it can be judged no more
	EffectKnown    Effect = "known"    // it can be judged again
	EffectSeverity Effect = "severity" // it is called more or less severe
	EffectResponse Effect = "response" // something else would be done about one like it
	EffectNone     Effect = ""
)

// Effects lists those that are told, in the order in which they are.
func Effects() []Effect {
	return []Effect{EffectOpens, EffectLapses, EffectCloses, EffectWaived, EffectUnknown, EffectKnown, EffectSeverity, EffectResponse}
}

// Deed is what is done about a finding.
type Deed string

// The deeds.
const (
	DeedNothing Deed = "nothing"
	DeedTell    Deed = "tell"
	DeedTicket  Deed = "ticket"
	DeedAsk     Deed = "ask"
	DeedRevert  Deed = "revert"
	DeedRefuse  Deed = "refuse"  // a guard keeps it from being written, and nobody is asked
	DeedUnknown Deed = "unknown" // it cannot be told
)

// Answer is what a configuration does about a finding.
type Answer struct {
	Do      string       `json:"do"`  // the response that matches: observe, notify, ticket, approve or revert
	Now     Deed         `json:"now"` // about this one, when the configuration takes effect
	NowWhy  string       `json:"nowWhy,omitempty"`
	Then    Deed         `json:"then"` // about one like it that comes about from then on
	ThenWhy string       `json:"thenWhy,omitempty"`
	Guard   string       `json:"guard,omitempty"` // that keeps it from being reverted
	Plan    *access.Plan `json:"plan,omitempty"`  // what would be written; without operations they are known only when it comes
	Ask     *Question    `json:"ask,omitempty"`
	Source  string       `json:"source,omitempty"` // place of the response; empty: none matches
}

// Question is who would be asked.
type Question struct {
	Approvers  []string `json:"approvers"` // as the response names them
	Can        []string `json:"can"`       // principals who can answer
	Quorum     int      `json:"quorum"`
	Deadline   string   `json:"deadline"`
	OnDeadline string   `json:"onDeadline"`
	Silent     bool     `json:"silent,omitempty"`  // where nobody answers, it is reverted
	Trouble    string   `json:"trouble,omitempty"` // why it cannot be answered
}

// PreviewFinding is one finding that stands by one of the two configurations.
type PreviewFinding struct {
	ID          string          `json:"id"`
	Rule        string          `json:"rule"`
	Ref         access.Ref      `json:"ref"`
	Key         string          `json:"key,omitempty"`
	Project     string          `json:"project,omitempty"` // or org: its name
	Environment string          `json:"environment,omitempty"`
	Severity    access.Severity `json:"severity"`
	Was         access.Severity `json:"was,omitempty"` // by the old configuration, where it was another
	State       string          `json:"state"`         // by the new one: open, waived, acknowledged or resolved
	Message     string          `json:"message"`
	Effect      Effect          `json:"effect,omitempty"`
	Why         string          `json:"why,omitempty"`     // of the effect
	Because     []Because       `json:"because,omitempty"` // parts of the new configuration that cause it
	Old         *Answer         `json:"old,omitempty"`
	New         *Answer         `json:"new,omitempty"`
}

// Because is a part of the new configuration that causes an effect by itself, or one of
// those that do so together.
type Because struct {
	Part    string `json:"part"`              // such as environments or rules.override
	File    string `json:"file,omitempty"`    // where it stands
	Line    int    `json:"line,omitempty"`    // from 1; 0: not known
	Jointly bool   `json:"jointly,omitempty"` // only together with others
}

// PreviewSetting is a setting that differs.
type PreviewSetting struct {
	Path string `json:"path"`
	From string `json:"from"`
	To   string `json:"to"`
	Says string `json:"says,omitempty"` // what comes of it
	Arms bool   `json:"arms,omitempty"` // more can be written by it
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// PreviewMove is a project that comes into another environment.
type PreviewMove struct {
	Scope   access.Scope `json:"scope"`
	Project string       `json:"project"`
	From    string       `json:"from"` // empty: none
	To      string       `json:"to"`   // that it is judged by from then on
	Matches string       `json:"matches"`
	Why     string       `json:"why"`
	Held    bool         `json:"held,omitempty"` // the former one holds until that is acknowledged
	Weaker  bool         `json:"weaker,omitempty"`
	File    string       `json:"file,omitempty"`
	Line    int          `json:"line,omitempty"`
}

// PreviewRule is a rule that differs.
type PreviewRule struct {
	Rule    string        `json:"rule"`
	Changes []string      `json:"changes"`          // in words
	Blind   []access.Kind `json:"blind,omitempty"`  // kinds that are read no more: it is not judged
	Seeing  bool          `json:"seeing,omitempty"` // it was not judged so far
	Gone    bool          `json:"gone,omitempty"`   // it is there no more
	Opens   int           `json:"opens,omitempty"`  // findings
	Closes  int           `json:"closes,omitempty"` // findings
	File    string        `json:"file,omitempty"`
	Line    int           `json:"line,omitempty"`
}

// PreviewResponse is what would be done about what rules find in an environment from then on.
type PreviewResponse struct {
	From         Deed      `json:"from"` // unknown: what the daemon would do is not told
	To           Deed      `json:"to"`
	Why          string    `json:"why,omitempty"`
	Environments []string  `json:"environments"` // empty name: those that match none, and orgs
	Rules        []string  `json:"rules"`
	Ask          *Question `json:"ask,omitempty"`
	Source       string    `json:"source,omitempty"`
	File         string    `json:"file,omitempty"`
	Line         int       `json:"line,omitempty"`
}

// Writes reports whether something would be written by itself that was not before, be it for
// want of an answer.
func (r PreviewResponse) Writes() bool {
	return r.From != DeedRevert && (r.To == DeedRevert || r.To == DeedAsk && r.Ask != nil && r.Ask.Silent)
}

// PreviewWaiver is a waiver of one of the configurations that differs.
type PreviewWaiver struct {
	ID       string `json:"id"`
	Rule     string `json:"rule"`
	Change   string `json:"change"`        // begins, ends or differs
	Findings int    `json:"findings"`      // that it lets stand, or let
	Why      string `json:"why,omitempty"` // it does not hold
	Until    string `json:"until,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
}

// PreviewUnknown is a rule that could not tell of a scope by the new configuration.
type PreviewUnknown struct {
	Rule    string       `json:"rule"`
	Scope   access.Scope `json:"scope"`
	Project string       `json:"project,omitempty"`
	Why     string       `json:"why"`
	Count   int          `json:"count"`
	Newly   bool         `json:"newly"` // by the old one it could tell, or was not judged
}

// PreviewPrivilege is a role that a credential comes to need, or needs no more.
type PreviewPrivilege struct {
	Credential string   `json:"credential"` // read or write
	Needs      []string `json:"needs,omitempty"`
	NoMore     []string `json:"noMore,omitempty"`
	Says       string   `json:"says"`
}

// PreviewSummary counts.
type PreviewSummary struct {
	Opens     int `json:"opens"` // findings that come to stand open, by a waiver that ends too
	Closes    int `json:"closes"`
	Waived    int `json:"waived"`
	Severity  int `json:"severity"`
	Response  int `json:"response"`
	Same      int `json:"same"`
	Unknown   int `json:"unknown"`   // that can be judged no more, findings and rules of a scope
	Known     int `json:"known"`     // findings that can be judged again
	WritesNow int `json:"writesNow"` // reverts when the configuration takes effect
	Writes    int `json:"writes"`    // rules that would come to be reverted by themselves in some environment
	Asks      int `json:"asks"`      // rules that people would come to be asked about
	Stuck     int `json:"stuck"`     // questions that nobody could answer
}

// The reasons to fail, by their names on the command line.
const (
	FailOpens   = "opens"
	FailWrites  = "writes"
	FailUnknown = "unknown"
	FailCloses  = "closes"
)

// FailReasons lists them.
func FailReasons() []string { return []string{FailOpens, FailWrites, FailUnknown, FailCloses} }

// Fails is what is said of the reasons for which the preview is not to pass; empty: it passes.
func (p Preview) Fails(on []string) (out []string) {
	s := p.Summary
	for _, c := range []struct {
		reason string
		n      int
		one    string
		more   string
	}{
		{FailOpens, s.Opens, "finding opens", "findings open"},
		{FailCloses, s.Closes + s.Waived, "finding closes or is waived", "findings close or are waived"},
		{FailWrites, s.WritesNow, "write is made at once", "writes are made at once"},
		{FailWrites, s.Writes, "rule comes to be reverted by itself", "rules come to be reverted by themselves"},
		{FailUnknown, s.Unknown, "answer can be given no more", "answers can be given no more"},
	} {
		if c.n > 0 && slices.Contains(on, c.reason) {
			out = append(out, plural(c.n, c.one, c.more))
		}
	}
	return out
}

// Count fills in the summary, and what each rule opens and closes.
func (p *Preview) Count() {
	s := PreviewSummary{}
	byRule := map[string][2]int{}
	for _, f := range p.Findings {
		n := byRule[f.Rule]
		switch f.Effect {
		case EffectOpens, EffectLapses:
			s.Opens++
			n[0]++
		case EffectCloses:
			s.Closes++
			n[1]++
		case EffectWaived:
			s.Waived++
		case EffectSeverity:
			s.Severity++
		case EffectResponse:
			s.Response++
		case EffectUnknown:
			s.Unknown++
		case EffectKnown:
			s.Known++
		default:
			s.Same++
		}
		byRule[f.Rule] = n
		if f.New != nil && f.New.Now == DeedRevert {
			s.WritesNow++
		}
	}
	for i := range p.Rules {
		p.Rules[i].Opens, p.Rules[i].Closes = byRule[p.Rules[i].Rule][0], byRule[p.Rules[i].Rule][1]
		s.Unknown += min(1, len(p.Rules[i].Blind))
	}
	for _, u := range p.Unknown {
		if u.Newly {
			s.Unknown++
		}
	}
	writes, asks := map[string]bool{}, map[string]bool{}
	for _, r := range p.Responses {
		for _, id := range r.Rules {
			writes[id] = writes[id] || r.Writes()
			asks[id] = asks[id] || r.To == DeedAsk && r.From != DeedAsk
		}
		if r.Ask != nil && r.Ask.Trouble != "" {
			s.Stuck++
		}
	}
	s.Writes, s.Asks = count(writes), count(asks)
	p.Summary = s
}

func count(set map[string]bool) (n int) {
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

// sorted is the preview in an order that does not depend on how it was made.
func (p Preview) sorted() Preview {
	p.Findings = slices.Clone(p.Findings)
	effects := append(Effects(), EffectNone)
	slices.SortStableFunc(p.Findings, func(a, b PreviewFinding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(effects, a.Effect), slices.Index(effects, b.Effect)), cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Project, b.Project), cmp.Compare(a.Ref.Scope, b.Ref.Scope), cmp.Compare(a.Ref.Kind, b.Ref.Kind), cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(a.Key, b.Key),
		)
	})
	p.Unknown = slices.Clone(p.Unknown)
	slices.SortStableFunc(p.Unknown, func(a, b PreviewUnknown) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Why, b.Why))
	})
	return p
}

//go:embed preview.schema.json
var previewSchema []byte

// PreviewSchema is the JSON schema of what [WritePreview] writes as json.
func PreviewSchema() []byte { return slices.Clone(previewSchema) }
