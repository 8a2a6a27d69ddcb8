package slack

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

func linesOf(s notify.Story) string {
	var out []string
	for _, l := range Lines(s) {
		loud := map[bool]string{true: "! "}[l.Loud]
		out = append(out, loud+l.Text)
	}
	return strings.Join(out, "\n")
}

func TestLines(t *testing.T) {
	step := func(s notify.Story, after time.Duration, to access.ActionState, why string) notify.Story {
		s.Action.Steps = append(s.Action.Steps, access.Step{At: at.Add(after), To: to, Why: why})
		return s
	}
	escalated := step(world(), 4*time.Hour, access.ActionAwaiting, "nobody answered; carol may decide too")
	escalated.Action.Ask.Escalated = true
	denied := step(world(), time.Minute, access.ActionVetoed, "denied by bob: it is the vendor's")
	denied.Action.Votes = []access.Ballot{{By: "bob", Vote: access.VoteDeny, Via: "api", Command: "c1", At: at.Add(time.Minute), Reason: "it is the vendor's"}}
	unknownLogins := put(user())
	unknownLogins.Action.Outcome.Logins = access.Logins{Why: "not read"}
	for name, c := range map[string]struct {
		story notify.Story
		want  string
	}{
		"asked: the card itself says so": {world(), ""},
		"escalated":                      {escalated, "! access list entry 0.0.0.0/0: people are asked: nobody answered; carol may decide too"},
		"denied":                         {denied, "access list entry 0.0.0.0/0: was denied: nothing is written: denied by bob: it is the vendor's\naccess list entry 0.0.0.0/0: denied by bob (api): it is the vendor's"},
		"put right": {put(world()), "access list entry 0.0.0.0/0: approved by bob (slack)\n" +
			"access list entry 0.0.0.0/0: done and read back, as bob decided; it stood open for 1 min, with at least 1 login (0 failed)"},
		"put right, of unknown logins": {unknownLogins, "database user admin/prod_app_user: approved by bob (slack)\n" +
			"database user admin/prod_app_user: done and read back, as bob decided; it stood open for 1 min, and whether anybody logged in meanwhile is unknown: not read"},
		"failed":     {in(world(), access.ActionFailed, "403"), "! access list entry 0.0.0.0/0: it could not be done: 403"},
		"expired":    {in(user(), access.ActionExpired, "late"), "! database user admin/prod_app_user: nobody decided in time: late"},
		"refused":    {gallery()["refused"].Stories[0], "is not carried out, by the guard ownership: terraform made it"},
		"superseded": {gallery()["superseded"].Stories[0], "is not needed any more: it reads as put right by somebody else\ndatabase user admin/prod_app_user: resolved: no violation any more"},
		"waived":     {gallery()["waived"].Stories[0], "waived until 2026-11-25T02:13:00Z by bob: The replacement is being built: until the new role is out, ticket SEC-123"},
		"unknown":    {gallery()["told-unknown"].Stories[0], "it cannot be judged: custom roles cannot be read: 403"},
		"to be kept": {gallery()["keep-asked"].Stories[0], "rajesh asked to keep it until 2026-11-22T10:13:00Z"},
		"undo asked": {gallery()["undo-asked"].Stories[0], "undo: people are asked: bob, rajesh may decide"},
	} {
		if got := linesOf(c.story); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// A line is said once: its key is its own, and stays the same while more comes.
func TestKeysOfLines(t *testing.T) {
	for name, c := range gallery() {
		keys := map[string]string{}
		for _, s := range c.Stories {
			for _, l := range Lines(s) {
				if other, twice := keys[l.Key]; twice && other != l.Text {
					t.Errorf("%s: %q and %q share a key", name, other, l.Text)
				}
				keys[l.Key] = l.Text
			}
		}
	}
	before := put(user())
	before.Finding.State, before.Action.State = access.FindingOpen, access.ActionRunning
	before.Action.Steps = before.Action.Steps[:1]
	after, had := Lines(put(user())), Lines(before)
	if len(had) == 0 || len(after) <= len(had) {
		t.Fatalf("%d lines, and then %d", len(had), len(after))
	}
	if diff := cmp.Diff(had, after[:len(had)]); diff != "" {
		t.Errorf("what was said is said again (-before +after):\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		verb     access.Verb
		vote     access.Vote
		accepted bool
		why      string
		want     string
	}{
		{access.VerbVote, access.VoteApprove, true, "counted: 1 of 2 votes", "✅ Your approval: counted: 1 of 2 votes."},
		{access.VerbVote, access.VoteDeny, true, "denied: nothing is written for it.", "✅ Your denial: denied: nothing is written for it."},
		{access.VerbVote, access.VoteApprove, false, "the plan has changed since it was shown", "🚫 Your approval was refused: the plan has changed since it was shown. Look at the card again: it shows how it stands now and who may decide."},
		{access.VerbWaive, "", false, "alice answers for the one who made the change: somebody else must decide that it stays",
			"🚫 Your request to keep it was refused: alice answers for the one who made the change: somebody else must decide that it stays. Somebody whom the card names can ask for it; gatewarden waiver writes one for the configuration file, where others review it. Putting it right stays open to you."},
		{access.VerbAcknowledge, "", false, "it is over", "🚫 Your acknowledgement was refused: it is over. Look at how it stands: gatewarden findings 0123456789ab."},
		{access.VerbFreeze, "", false, "no", "🚫 Your request to freeze was refused: no. Ask one of the operators of the configuration (guards.operators)."},
		{access.VerbUndo, "", false, "its time is over", "🚫 Your request to undo it was refused: its time is over. Ask one of those whom the card names, or put it back by hand."},
		{"dance", "", false, "unknown verb", "🚫 Your request was refused: unknown verb. Nothing was changed by it."},
	} {
		r := access.CommandRecord{Command: access.Command{Verb: c.verb, Vote: c.vote, Finding: "0123456789abcdef0123456789abcdef"}, Accepted: c.accepted, Why: c.why}
		if got := Answer(r); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
	for _, v := range []access.Verb{access.VerbVote, access.VerbUndo, access.VerbRelease, access.VerbWaive, access.VerbFreeze, access.VerbUnfreeze, access.VerbSnooze, access.VerbAcknowledge, access.VerbExpect, access.VerbAdopt, access.VerbIncident} {
		if r := (access.CommandRecord{Command: access.Command{Verb: v}}); strings.HasPrefix(Answer(r), "🚫 Your request was") || strings.HasSuffix(Answer(r), "Nothing was changed by it.") {
			t.Errorf("%s has no words of its own: %s", v, Answer(r))
		}
	}
}

func TestFoundLinksToSlackOnly(t *testing.T) {
	for url, want := range map[string]bool{
		"https://example.slack.com/archives/C0PROD/p1763777580000100": true, "https://example.enterprise.slack.com/archives/C0PROD/p1": true, "": false,
		"https://evil.example/archives/C0PROD/p1": false, "https://slack.com.evil.example/archives/C0/p1": false, "javascript:alert(1)": false, "https://example.slack.com/archives/C0/p1#<!channel>": false,
	} {
		if got := strings.Contains(compact(t, Found(world(), url).Blocks), `"link"`); got != want {
			t.Errorf("%q: linked %v", url, got)
		}
	}
}
