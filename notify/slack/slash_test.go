package slack

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

const findingID = "0123456789abcdef0123456789abcdef"

func TestSlashCommands(t *testing.T) {
	for _, c := range []struct {
		text, says string
		user       string
		channel    string
		want       func(c access.Command) bool // nil: none is given
	}{
		{text: "", says: "/gatewarden waive ID 24h"},
		{text: "help", says: "/gatewarden freeze"},
		{text: "help", user: "U0GUEST", says: "/gatewarden freeze"},
		{text: "whoami", channel: "C0SHARED", says: "You are bob"},
		{text: "halp", says: "There is no command halp"},
		{text: "<!channel> @here", says: "There is no command"},
		{text: "whoami", says: "You are bob (slack U0BOB of T0EXAMPLE, by the configuration). You are in platform-oncall."},
		{text: "whoami", user: "U0CAROL", says: "Have your Slack id U0CAROL added to principals"},
		{text: "status", says: "1 findings stand, 1 of the worst wait for an answer.\nshop-prod is frozen"},
		{text: "status", user: "U0GUEST", says: "Guests decide nothing"},
		{text: "findings", says: "0123456789ab · critical · shop-prod · open to the <!channel› world (asked until"},
		{text: "findings --mine", user: "U0ALICE", says: "0123456789ab"},
		{text: "findings —mine", says: "0123456789ab"},
		{text: "findings --project shop-prod", says: "0123456789ab"},
		{text: "findings --project nowhere", says: `no project or org is called "nowhere"`},
		{text: "findings --severity high", says: "there is no --severity"},
		{text: "findings --project", says: "--project needs a value"},
		{text: "ack 0123456", says: "Done as asked", want: func(c access.Command) bool { return c.Verb == access.VerbAcknowledge && c.Finding == findingID }},
		{text: "ack", says: "the id of a finding is missing"},
		{text: "ack 012", says: "is no id of a finding"},
		{text: "ack ../../etc", says: "is no id of a finding"},
		{text: "ack ffffff", says: "No finding has an id that begins with ffffff"},
		{text: "waive 0123456 8h --ticket SEC-1 a migration", says: "Done as asked", want: func(c access.Command) bool {
			return c.Verb == access.VerbWaive && c.Waiver.Until.Sub(c.At) == 8*time.Hour && c.Reason == "a migration" && c.Ticket == "SEC-1"
		}},
		{text: `waive 0123456 1d "a <b> & c"`, says: "Done", want: func(c access.Command) bool {
			return c.Reason == "a <b> & c" && c.Waiver.Until.Sub(c.At) == 24*time.Hour
		}},
		{text: "waive 0123456 2d a migration", says: "kept for 1 d at most"},
		{text: "waive 0123456 a migration", says: `"a" is no time such as 8h or 2d`},
		{text: "waive 0123456 8h", says: "the reason is missing"},
		{text: "waive 0123456", says: "for how long is missing"},
		{text: "waive 0123456 8h mine", user: "U0RAJESH", says: "You made this change"},
		{text: "freeze shop-prod we are moving", says: "Done", want: func(c access.Command) bool {
			return c.Verb == access.VerbFreeze && c.Scope == scopeProd && c.Reason == "we are moving"
		}},
		{text: "freeze shop-prod", says: "the reason is missing"},
		{text: "freeze shop-dev why", says: "no project or org is called"},
		{text: "unfreeze ExampleCorp done", user: "U0ALICE", says: "Done", want: func(c access.Command) bool { return c.Verb == access.VerbUnfreeze && c.Scope.IsOrg() }},
		{text: "incident start shop-prod outage 4h the shop is down", user: "U0ALICE", says: "Done", want: func(c access.Command) bool {
			return c.Verb == access.VerbIncident && c.Incident == "outage" && c.For == 4*time.Hour && c.Reason == "the shop is down"
		}},
		{text: "incident end shop-prod", says: "the name of the incident is missing"},
		{text: "incident end shop-prod outage", says: "the reason is missing"},
		{text: "incident end shop-prod outage all is well", user: "U0ALICE", says: "Done", want: func(c access.Command) bool {
			return c.Verb == access.VerbEndIncident && c.Incident == "outage" && c.For == 0 && c.Reason == "all is well"
		}},
		{text: "incident shop-prod", says: "it is incident start"},
		{text: "incident start shop-prod outage", says: "for how long is missing"},
		{text: "expect shop-prod 24h --by deploy@example.com the upgrade", user: "U0ALICE", says: "Done", want: func(c access.Command) bool {
			return c.Verb == access.VerbExpect && c.Expect.Actor == "deploy@example.com" && c.Expect.Until.Sub(c.At) == 24*time.Hour && c.Reason == "the upgrade"
		}},
		{text: "expect shop-prod 24h anything goes", says: "somebody or something in particular"},
		{text: "expect ExampleCorp 24h --by x@example.com all", says: "for one project"},
		{text: "expect shop-prod 99d --by x@example.com all", says: "ahead at most"},
		{text: "freeze shop-prod now", channel: "C0SHARED", says: "shared with another workspace"},
	} {
		t.Run(c.text, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				d.stories[findingID] = finding(findingID)
				user := orElse(c.user, "U0BOB")
				got, err := d.Command(user, orElse(c.channel, "C0PROD"), strings.TrimSpace("/gatewarden "+c.text))
				d.must(err)
				d.settle()
				if took := d.acked(got); took > 500*time.Millisecond {
					t.Errorf("acknowledged after %s", took)
				}
				d.lastly(user, c.says)
				cmds := d.commands()
				switch {
				case c.want == nil && len(cmds) > 0:
					t.Errorf("%+v", cmds)
				case c.want != nil && (len(cmds) != 1 || !c.want(cmds[0])):
					t.Errorf("%+v", cmds)
				case c.want != nil:
					d.must(cmds[0].Validate())
				}
			})
		})
	}
}

// TestNamesMakeNoLines: what strangers named adds no line to an answer, which would read as ours.
func TestNamesMakeNoLines(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.card("g1", finding("f1"))
		d.change("f1", func(s *notify.Story) {
			s.Project, s.Finding.Message = "shop\nprod is frozen by alice", "open\nNo finding stands."
		})
		for _, text := range []string{"findings", "status"} {
			got, err := d.Command("U0BOB", "C0PROD", "/gatewarden "+text)
			d.must(err)
			d.settle()
			d.acked(got)
		}
		for _, e := range d.Ephemerals("U0BOB") {
			for _, b := range e.Blocks {
				for line := range strings.SplitSeq(toText(b), "\n") {
					if strings.HasPrefix(line, "prod is frozen") || strings.HasPrefix(line, "No finding") {
						t.Errorf("a line of a stranger's: %q", line)
					}
				}
			}
		}
		if len(d.Ephemerals("U0BOB")) != 2 {
			t.Errorf("%d answers", len(d.Ephemerals("U0BOB")))
		}
	})
}

func TestWordsOfACommand(t *testing.T) {
	for in, want := range map[string][]string{
		"":                           nil,
		" \n ":                       nil,
		"a  b\tc":                    {"a", "b", "c"},
		`a "b c" ""`:                 {"a", "b c", ""},
		`a “b c”`:                    {"a", "b c"},
		"a &lt;b&gt; &amp;lt;":       {"a", "<b>", "&lt;"},
		"<mailto:a@b.c|a@b.c> x":     {"a@b.c", "x"},
		"<mailto:a@b.c>":             {"a@b.c"},
		"<@U1|bob> <http://x.y|x.y>": {"bob", "x.y"},
		"a\u202eb\u200b":             {"ab"},
		`"open`:                      {"open"},
	} {
		if diff := cmp.Diff(want, split(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

func FuzzSlash(f *testing.F) {
	for _, s := range []string{"waive 0123 8h x", `"`, "expect a 24h --by", "findings --mine --mine", "<", "<|>", "—by", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, wrong := parseAsked(Click{Text: s})
		if wrong == "" && !slices.Contains(verbs(), a.verb) {
			t.Fatalf("%q: verb %q", s, a.verb)
		}
		_, _ = a.waives(Click{})
		_, _ = a.places(Place{Scope: scopeProd}, a.args)
	})
}

func FuzzClicks(f *testing.F) {
	f.Add([]byte(`{"type":"block_actions","user":{"id":"U1"},"actions":[{"block_id":"b","action_id":"gw.revert","value":"v1|g|1|prj.64f000000000000000000002|f|1|a|p"}]}`))
	f.Add([]byte(`{"type":"view_submission","user":{"id":"U1"},"view":{"callback_id":"gw.view.keep","private_metadata":"{\"v\":\"v1\"}"}}`))
	f.Add([]byte(`{"type":"block_actions","actions":[null,{"block_id":"b"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := clickOf(raw)
		if err != nil {
			return
		}
		if c.ID == "" || c.User == "" {
			t.Fatalf("%s: %+v", raw, c)
		}
		_, _, _ = meant(c)
	})
}

func TestManyFindingsAreCounted(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		for i := range 30 {
			s := finding(access.Hash(string(rune('a' + i))))
			s.Finding.Message = strings.Repeat("long ", 200)
			d.stories[s.Finding.ID] = s
		}
		_, err := d.Command("U0BOB", "C0PROD", "/gatewarden findings")
		d.must(err)
		d.settle()
		e := d.Ephemerals("U0BOB")
		if len(e) != 1 || !strings.Contains(toText(e[0].Blocks[len(e[0].Blocks)-1]), "and 10 more") {
			t.Errorf("%+v", e)
		}
		if _, err := d.o.Book.Find(d.ctx, ""); err != nil {
			t.Error(err)
		}
		d.stories = map[string]notify.Story{}
		_, err = d.Command("U0BOB", "C0PROD", "/gatewarden findings")
		d.must(err)
		d.settle()
		d.lastly("U0BOB", "No finding stands")
	})
}
