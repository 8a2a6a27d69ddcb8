package slack

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, v any) {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append([]byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(raw))), '\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(raw)); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", name, diff)
	}
}

// posted is a message as a golden file holds it.
type posted struct {
	Text   string          `json:"text"`
	Blocks []slackgo.Block `json:"blocks"`
}

func TestCards(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(gallery())) {
		l := testLook()
		l.Mention = strings.HasPrefix(name, "asked")
		m := Render(gallery()[name], now, l)
		golden(t, "card-"+name, posted(m))
		if bad := inspectMessage(t, m, l); len(bad) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(bad, "\n"))
		}
	}
}

func TestViews(t *testing.T) {
	l := testLook()
	group := burst(12, 10)
	for name, v := range map[string]any{
		"keep": KeepModal(user(), l), "keep-never": KeepModal(world(), l), "undo": UndoModal(put(world())),
		"all": AllModal(group, 11), "details": DetailsModal(put(user()), now, l), "more": MoreModal(group, group.Stories[0], now, l),
		"home": HomeView(testHome(), now, l), "home-nobody": HomeView(Home{}, now, l),
	} {
		golden(t, "view-"+name, v)
		if bad := inspectView(t, v, l); len(bad) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(bad, "\n"))
		}
	}
	for name, m := range map[string]Message{"found": Found(world(), "https://example.slack.com/archives/C0PROD/p1763777580000100"), "words": Words("access list entry 0.0.0.0/0: approved by bob")} {
		golden(t, "message-"+name, posted(m))
		if bad := inspectMessage(t, m, l); len(bad) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(bad, "\n"))
		}
	}
}
