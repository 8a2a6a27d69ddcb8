package slackfake_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// FuzzCalls: whatever is sent, the answer is JSON that says whether it is well, and
// the workspace goes on.
func FuzzCalls(f *testing.F) {
	s, err := slackfake.Start(slackfake.Options{NoLimits: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	for _, method := range []string{"chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "views.publish", "views.update", "conversations.list", "conversations.open", "usergroups.list"} {
		for _, body := range []string{
			`{"channel":"C0PROD","text":"x","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]}`,
			`{"channel":"C0PROD","ts":"1.1","user":"U0BOB","blocks":null,"metadata":7,"attachments":"x"}`,
			`{"user_id":"U0BOB","view":{"type":"home","blocks":[null,7,{"type":"input"},{"type":"actions","elements":[7]}]}}`,
			`{"trigger_id":"1","view":{"type":"modal","title":7,"blocks":[{"type":"input","element":{"type":"static_select","option_groups":[{"options":[null]}]}}]}}`,
			`{"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[{"type":"rich_text_section"}]}]}],"channel":"C0PROD"}`,
			`[]`, `{`, `{"limit":-1,"cursor":"next:9999999","types":",","users":","}`,
		} {
			f.Add(method, body)
		}
	}
	f.Fuzz(func(t *testing.T, method, body string) {
		if strings.ContainsAny(method, "/?#% \t\r\n\\") || method == "" || method == "." || method == ".." {
			return // another address
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL()+method, strings.NewReader(body))
		if err != nil {
			return // not an address at all
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+s.Tokens().BotToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		var out map[string]any
		if err := errors.Join(err, res.Body.Close(), json.Unmarshal(raw, &out)); err != nil || out["ok"] == nil || (out["ok"] == false) != (out["error"] != nil) {
			t.Errorf("%s %s answers %s: %v", method, body, raw, err)
		}
	})
}

// FuzzPage: whatever the page or another program sends to its endpoints.
func FuzzPage(f *testing.F) {
	s, err := slackfake.Start(slackfake.Options{NoLimits: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	for i := range 5 {
		for _, body := range []string{
			`{"user":"U0BOB","channel":"C0PROD","ts":"1.1","action_id":"a","value":"x","selected_option":{"value":7}}`,
			`{"user":"U0BOB","view_id":"V1","values":{"a":{"b":{"value":7}}}}`, `{"user":"U0BOB","channel":"C0PROD","text":"/gatewarden @alice #random"}`, `{`, `[]`, `null`,
		} {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, which int, body string) {
		paths := []string{"click", "submit", "close", "command", "message"}
		res, err := http.Post(s.URL()+"ui/"+paths[uint(which)%5], "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil || !json.Valid(raw) {
			t.Errorf("%s answers %s: %v", body, raw, err)
		}
	})
}
