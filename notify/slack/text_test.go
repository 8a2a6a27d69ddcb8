package slack

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, clean, name, md, code string }{
		{"admin/prod_app_user", "admin/prod_app_user", "admin/prod_app_user", "admin/prod＿app＿user", "`admin/prod_app_user`"},
		{"", "—", "—", "—", "`—`"},
		{" \n\t ", "—", `\u0020\u000a\u0009\u0020`, "—", "`\\u0020\\u000a\\u0009\\u0020`"},
		{"a\nb", "a b", `a\u000ab`, "a b", "`a\\u000ab`"},
		{"a  b", "a b", `a \u0020b`, "a b", "`a \\u0020b`"},
		{"us\u200ber", "user", `us\u200ber`, "user", "`us\\u200ber`"},
		{"\u202eresu", "resu", `\u202eresu`, "resu", "`\\u202eresu`"},
		{"<!channel>", "<!channel>", "<!channel>", "&lt;!channel›", "`&lt;!channel&gt;`"},
		{"&lt;", "&lt;", "&lt;", "&amp;lt;", "`&amp;lt;`"},
		{"*a* `b` ~c~", "*a* `b` ~c~", "*a* `b` ~c~", "∗a∗ ˋbˋ ∼c∼", "`*a* ˋbˋ ~c~`"},
		{":boom: 10:30 a: b", ":boom: 10:30 a: b", ":boom: 10:30 a: b", "꞉boom: 10꞉30 a: b", "`:boom: 10:30 a: b`"},
		{"e\u0301\u0301\u0301\u0301\u0301!", "e\u0301\u0301\u0301!", "e\u0301\u0301\u0301\\u0301\\u0301!", "e\u0301\u0301\u0301!", "`e\u0301\u0301\u0301\\u0301\\u0301!`"},
		{"a\xff", "a\ufffd", "a\ufffd", "a\ufffd", "`a\ufffd`"},
		{"日本語", "日本語", "日本語", "日本語", "`日本語`"},
		{strings.Repeat("x", 60), strings.Repeat("x", 49) + "…", strings.Repeat("x", 49) + "…", strings.Repeat("x", 49) + "…", "`" + strings.Repeat("x", 49) + "…`"},
	} {
		for what, got := range map[string][2]string{"Clean": {Clean(c.in, 50), c.clean}, "Name": {Name(c.in, 50), c.name}, "Md": {Md(c.in, 50), c.md}, "Code": {Code(c.in, 50), c.code}} {
			if got[0] != got[1] {
				t.Errorf("%s(%q) = %q, want %q", what, c.in, got[0], got[1])
			}
		}
	}
}

func TestLook(t *testing.T) {
	l := testLook()
	for _, c := range []struct {
		scope access.Scope
		kind  access.Kind
		want  string
	}{
		{prj, access.KindIPAccessEntry, "https://cloud.mongodb.com/v2/64f000000000000000000002#/security/network/accessList"},
		{prj, access.KindDatabaseUser, "https://cloud.mongodb.com/v2/64f000000000000000000002#/security/database/users"},
		{prj, access.KindCluster, "https://cloud.mongodb.com/v2/64f000000000000000000002"},
		{"org.64f000000000000000000001", access.KindOrgMember, "https://cloud.mongodb.com/v2#/org/64f000000000000000000001/projects"},
		{"prj.../../evil", access.KindCluster, ""}, {"", access.KindCluster, ""}, {"prj.64f000000000000000000002|x", access.KindCluster, ""},
	} {
		if got := l.page(c.scope, c.kind); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.scope, c.kind, got, c.want)
		}
	}
	for _, base := range []string{"", "javascript:alert(1)//", "cloud.mongodb.com"} {
		if got := (Look{Atlas: base}).page(prj, access.KindCluster); got != "" {
			t.Errorf("with Atlas at %q: %q", base, got)
		}
	}
	l.Admin = "http://127.0.0.1:9091"
	if got, want := l.command("waive", "ab12", "$(rm -rf /)", "--until", "x y"), "gatewarden waive ab12 … --until … --server http://127.0.0.1:9091"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestMentions(t *testing.T) {
	with := func(bad access.Severity, approvers ...string) notify.Story {
		s := world()
		s.Finding.Severity, s.Action.Ask.Approvers = bad, approvers
		return s
	}
	for _, c := range []struct {
		name  string
		look  func(*Look)
		story notify.Story
		want  string
	}{
		{"the group", nil, with(access.Critical, "platform-oncall"), "<!subteam^S01ONCALL> a decision"},
		{"a person and a group, each once", nil, with(access.High, "bob", "platform-oncall", "bob"), "<!subteam^S01ONCALL> <@U02BOB> a decision"},
		{"nobody of what is not urgent", nil, with(access.Medium, "platform-oncall"), ""},
		{"nobody on an edit", func(l *Look) { l.Mention = false }, with(access.Critical, "platform-oncall"), ""},
		{"nobody who is not declared", nil, with(access.Critical, "carol"), ""},
		{"nobody where nobody is asked", nil, closed(with(access.Critical, "platform-oncall")), ""},
		{"nobody by an id that is none", func(l *Look) { l.Groups["platform-oncall"], l.Users["bob"] = "S1> <!channel", "here" }, with(access.Critical, "platform-oncall", "bob"), ""},
	} {
		l := testLook()
		l.Mention = true
		if c.look != nil {
			c.look(&l)
		}
		m := Render(card(c.story), now, l)
		got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(compact(t, m.Blocks))
		if called := strings.Contains(got, "a decision is asked for"); called != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: called %v", c.name, called)
		}
		if strings.Contains(got, "<!channel") || strings.Contains(m.Text, "<") {
			t.Errorf("%s: it calls the channel, or calls in the text", c.name)
		}
	}
}

func TestACardStaysTheSameWhileNothingHappens(t *testing.T) {
	for name, c := range gallery() {
		first := compact(t, Render(c, now, testLook()).Blocks)
		for _, later := range []time.Duration{time.Second, time.Minute, 4 * time.Minute} {
			if got := compact(t, Render(c, now.Add(later), testLook()).Blocks); got != first {
				t.Errorf("%s is another one %s later", name, later)
			}
		}
	}
	s := put(world())
	if before, after := buttonsOf(s, s.Undo.Until.Add(-time.Second)), buttonsOf(s, s.Undo.Until); before != "Undo… Details" || after != "Details" {
		t.Errorf("before the end of the time to undo: %s; after: %s", before, after)
	}
}
