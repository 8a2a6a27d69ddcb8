package daemon

import (
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// The oracle reads the rule book again, without the engine: it knows the simulator's
// state, what the effects tell of the past, and the configuration of the fault run. It
// is naive on purpose and shares no code with rules or reach.

// judgement is what the oracle says of one finding id.
type judgement int

const (
	must judgement = iota + 1 // it stands, and is known
	may                       // it cannot be told, or the date has only just passed
)

// opinion is one open finding that should stand.
type opinion struct {
	judgement judgement
	severity  string // empty: not said
	class     string
}

// subjectKey names a finding apart from ids.
type subjectKey struct{ rule, project, name string }

// oracle knows the past by the simulator's effects.
type oracle struct {
	now     time.Time
	created map[subjectKey]time.Time // users that were created while the daemon watched, the last time
}

func newOracle(now time.Time, effects []sim.Effect, names map[string]string) oracle {
	o := oracle{now: now, created: map[subjectKey]time.Time{}}
	for _, e := range effects {
		if e.Before == "" {
			o.created[subjectKey{"", names[e.ProjectID], e.Target}] = e.At
		}
	}
	return o
}

// judge gives every state finding that should be open.
func (o oracle) judge(w sim.World) map[subjectKey]opinion {
	out := map[subjectKey]opinion{}
	for _, org := range w.Orgs {
		for _, p := range org.Projects {
			o.network(p, out)
			for _, u := range p.DatabaseUsers {
				o.unscoped(p, u, out)
				o.expired(p, u, out)
				o.admin(p, u, out)
			}
		}
	}
	return out
}

// environmentOf reads chaos/config.yaml: the tag decides, then the name.
func environmentOf(p sim.Project) string {
	for _, t := range p.Tags {
		if t.Key == "env" {
			return t.Value
		}
	}
	for _, env := range []string{"prod", "dev"} {
		if strings.HasSuffix(p.Name, "-"+env) {
			return env
		}
	}
	return ""
}

// lowered is the severity in the project: as it is in production and where no
// environment matches, one step lower elsewhere.
func lowered(p sim.Project, severity string) string {
	if environmentOf(p) != "dev" {
		return severity
	}
	return map[string]string{"critical": "high", "high": "medium", "medium": "low"}[severity]
}

func classOf(username string) string {
	switch {
	case strings.HasSuffix(username, "_app_user"):
		return "app"
	case strings.HasSuffix(username, "_reporting_user"):
		return "reporting"
	case strings.Contains(username, "_migration_"):
		return "migration"
	case strings.Contains(username, "_breakglass_"):
		return "break_glass"
	case strings.HasPrefix(username, "dba_"):
		return "platform_admin"
	}
	return ""
}

func (o oracle) network(p sim.Project, out map[subjectKey]opinion) {
	var rest []span
	for _, e := range p.AccessList {
		s := spanOf(e.CIDRBlock)
		if opensWorld([]span{s}) {
			out[subjectKey{"network/open-to-world", p.Name, entryName(e.CIDRBlock)}] = opinion{must, lowered(p, "critical"), ""}
			continue
		}
		rest = append(rest, s)
	}
	if opensWorld(rest) {
		out[subjectKey{"network/open-to-world", p.Name, p.ID}] = opinion{must, lowered(p, "critical"), ""}
	}
}

func (o oracle) unscoped(p sim.Project, u sim.DatabaseUser, out map[subjectKey]opinion) {
	targets := len(p.Clusters) + len(p.FlexClusters) + len(p.FederatedDatabases) + len(p.StreamWorkspaces)
	if len(u.Scopes) > 0 || targets == 0 {
		return
	}
	severity := lowered(p, "high")
	if targets == 1 {
		severity = "medium"
	}
	out[subjectKey{"dbuser/unscoped", p.Name, u.DatabaseName + "/" + u.Username}] = opinion{must, severity, classOf(u.Username)}
}

// dateSlack is how long the clock may take to see that a date passed.
const dateSlack = 16 * time.Minute

func (o oracle) expired(p sim.Project, u sim.DatabaseUser, out map[subjectKey]opinion) {
	if len(u.Roles) == 0 {
		return
	}
	passed, justNow, unknown := false, false, false
	end := func(at time.Time) {
		passed = passed || o.now.Sub(at) > dateSlack
		justNow = justNow || o.now.Sub(at).Abs() <= dateSlack
	}
	if u.DeleteAfterDate != nil {
		end(*u.DeleteAfterDate)
	}
	for _, l := range u.Labels {
		if l.Key != "expires" && l.Key != "gatewarden/expires" {
			continue
		}
		if at, err := time.Parse(time.RFC3339, l.Value); err == nil {
			end(at)
		} else if day, err := time.Parse("2006-01-02", l.Value); err == nil {
			end(day.Add(24 * time.Hour))
		} else {
			unknown = true
		}
	}
	if _, after, ok := strings.Cut(u.Description, "expires="); ok {
		if at, err := time.Parse(time.RFC3339, strings.TrimRight(after, ")")); err == nil {
			end(at)
		}
	}
	if classOf(u.Username) == "migration" {
		if at, ok := o.created[subjectKey{"", p.Name, u.DatabaseName + "/" + u.Username}]; ok {
			end(at.Add(6 * time.Hour))
		} else {
			unknown = true
		}
	}
	key := subjectKey{"dbuser/expired-migration-user", p.Name, u.DatabaseName + "/" + u.Username}
	switch {
	case passed:
		out[key] = opinion{must, lowered(p, "high"), classOf(u.Username)}
	case justNow || unknown:
		out[key] = opinion{may, "", classOf(u.Username)}
	}
}

func (o oracle) admin(p sim.Project, u sim.DatabaseUser, out map[subjectKey]opinion) {
	reached := false
	for _, r := range u.Roles {
		reached = reached || leadsToAdmin(p, r.RoleName, nil)
	}
	if !reached {
		return
	}
	severity := "critical"
	switch classOf(u.Username) {
	case "app", "reporting":
	case "platform_admin": // declared without it
	case "":
		if environmentOf(p) == "dev" {
			return
		}
		severity = "high"
	default: // break glass is declared with it; migration is not judged
		return
	}
	out[subjectKey{"dbuser/atlas-admin-app", p.Name, u.DatabaseName + "/" + u.Username}] = opinion{must, lowered(p, severity), classOf(u.Username)}
}

func leadsToAdmin(p sim.Project, role string, above []string) bool {
	if role == "atlasAdmin" {
		return true
	}
	if slices.Contains(above, role) {
		return false
	}
	for _, r := range p.CustomRoles {
		if r.RoleName != role {
			continue
		}
		for _, in := range r.InheritedRoles {
			if leadsToAdmin(p, in.Role, append(slices.Clone(above), role)) {
				return true
			}
		}
	}
	return false
}

// span is a range of IPv6 addresses; IPv4 lies at ::ffff:0:0.
type span struct{ first, last *big.Int }

func spanOf(cidr string) span {
	ip, network, err := net.ParseCIDR(cidr)
	if err != nil {
		panic("the simulator holds an entry that is no network: " + cidr)
	}
	length, _ := network.Mask.Size()
	if !strings.Contains(cidr, ":") {
		length += 96
	}
	size := new(big.Int).Lsh(big.NewInt(1), uint(128-length))
	first := new(big.Int).SetBytes(ip.To16())
	first.Sub(first, new(big.Int).Mod(first, size))
	return span{first, new(big.Int).Sub(new(big.Int).Add(first, size), big.NewInt(1))}
}

// entryName is how an entry is called: IPv4-mapped networks are IPv4.
func entryName(cidr string) string {
	ip, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return cidr
	}
	if length, bits := network.Mask.Size(); bits == 128 && length >= 96 && ip.To4() != nil {
		return (&net.IPNet{IP: ip.To4(), Mask: net.CIDRMask(length-96, 32)}).String()
	}
	return network.String()
}

// without cuts b out of every span of all.
func without(all []span, b span) (out []span) {
	one := big.NewInt(1)
	for _, a := range all {
		if a.last.Cmp(b.first) < 0 || a.first.Cmp(b.last) > 0 {
			out = append(out, a)
			continue
		}
		if a.first.Cmp(b.first) < 0 {
			out = append(out, span{a.first, new(big.Int).Sub(b.first, one)})
		}
		if a.last.Cmp(b.last) > 0 {
			out = append(out, span{new(big.Int).Add(b.last, one), a.last})
		}
	}
	return out
}

// opensWorld reports whether the spans leave out nobody: no public IPv4 or no public
// IPv6 address is outside.
func opensWorld(entries []span) bool {
	return covers(entries, []string{"0.0.0.0/0"}, []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	}) || covers(entries, []string{"2001:200::/23", "2001:400::/22", "2001:1200::/23", "2003::/18", "2400::/12", "2600::/12", "2800::/12", "2a00::/12", "2c00::/12"}, nil)
}

func covers(entries []span, public, reserved []string) bool {
	var left []span
	for _, p := range public {
		left = append(left, spanOf(p))
	}
	for _, r := range reserved {
		left = without(left, spanOf(r))
	}
	for _, e := range entries {
		left = without(left, e)
	}
	return len(left) == 0
}

// TestOracle holds the oracle itself against cases that can be checked by eye.
func TestOracle(t *testing.T) {
	for list, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": true, "::/1": true, "2000::/3": true, "::ffff:0.0.0.0/96": true,
		"0.0.0.0/1": false, "8000::/1": false, "2000::/5": false, "8.8.8.8/32": false, "": false,
		"0.0.0.0/1 128.0.0.0/1": true, "0.0.0.0/1 128.0.0.0/2 192.0.0.0/3": true, "0.0.0.0/1 128.0.0.0/2": false,
		"::ffff:0.0.0.0/97 128.0.0.0/1": true, "2000::/5 2800::/5": true, "0.0.0.0/1 8000::/1": false,
		"0.0.0.0/2 64.0.0.0/3 96.0.0.0/4 112.0.0.0/5 120.0.0.0/6 124.0.0.0/7 126.0.0.0/8 128.0.0.0/1": true,
	} {
		var entries []span
		for _, cidr := range strings.Fields(list) {
			entries = append(entries, spanOf(cidr))
		}
		if got := opensWorld(entries); got != want {
			t.Errorf("[%s] opens the world: %t, want %t", list, got, want)
		}
	}
	roles := sim.Project{CustomRoles: []sim.CustomRole{
		{RoleName: "a", InheritedRoles: []sim.InheritedRole{{DB: "admin", Role: "b"}}},
		{RoleName: "b", InheritedRoles: []sim.InheritedRole{{DB: "admin", Role: "a"}, {DB: "admin", Role: "c"}}},
		{RoleName: "c", InheritedRoles: []sim.InheritedRole{{DB: "admin", Role: "atlasAdmin"}}},
		{RoleName: "d", InheritedRoles: []sim.InheritedRole{{DB: "admin", Role: "d"}}},
	}}
	for role, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "read": false, "atlasAdmin": true} {
		if got := leadsToAdmin(roles, role, nil); got != want {
			t.Errorf("%s leads to atlasAdmin: %t, want %t", role, got, want)
		}
	}
}
