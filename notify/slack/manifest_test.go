package slack

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"
	"go.yaml.in/yaml/v4"
)

// TestManifests reads the manifests as strictly as Slack does, and holds them to what the code asks for.
func TestManifests(t *testing.T) {
	read := func(file string) slackgo.Manifest {
		raw, err := os.ReadFile("../../deploy/slack/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var any map[string]any
		if err := yaml.Unmarshal(raw, &any); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(any)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(asJSON))
		dec.DisallowUnknownFields()
		var m slackgo.Manifest
		if err := dec.Decode(&m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return m
	}
	socket, web := read("manifest.yaml"), read("manifest-http.yaml")
	needs := Needs(true, true)
	slices.Sort(needs)
	scopes := slices.Sorted(slices.Values(socket.OAuthConfig.Scopes.Bot))
	if diff := cmp.Diff(needs, scopes); diff != "" || len(socket.OAuthConfig.Scopes.User) > 0 {
		t.Errorf("scopes (-the code +the manifest):\n%s", diff)
	}
	if !socket.Settings.SocketModeEnabled || web.Settings.SocketModeEnabled || !socket.Settings.Interactivity.IsEnabled || !socket.Features.AppHome.HomeTabEnabled {
		t.Errorf("%+v %+v", socket.Settings, web.Settings)
	}
	for path, got := range map[string]string{
		"/slack/interactive": web.Settings.Interactivity.RequestUrl, "/slack/events": web.Settings.EventSubscriptions.RequestUrl, "/slack/commands": web.Features.SlashCommands[0].Url,
	} {
		if !strings.HasPrefix(got, "https://") || !strings.HasSuffix(got, path) {
			t.Errorf("%s: %q", path, got)
		}
	}
	web.Settings.Interactivity.RequestUrl, web.Settings.EventSubscriptions.RequestUrl, web.Features.SlashCommands[0].Url = "", "", ""
	web.Settings.SocketModeEnabled = true
	if diff := cmp.Diff(socket, web); diff != "" {
		t.Errorf("beside the addresses they differ (-socket +http):\n%s", diff)
	}
	readme, err := os.ReadFile("../../deploy/slack/README.md")
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]bool{WrongToken: true, WrongScope: true, WrongChannel: true, WrongPrincipals: true, WrongGroup: true, WrongClock: true, WrongBlocks: true, WrongSocket: true, WrongStore: true}
	for _, word := range slices.Concat(needs, slices.Collect(maps.Keys(wrong))) {
		if !strings.Contains(string(readme), "`"+word+"`") {
			t.Errorf("README.md does not explain %s", word)
		}
	}
}
