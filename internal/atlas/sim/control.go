package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Control is what Atlas has no API for: people who click, the clock, and a look inside.
// It asks for no credentials, so it belongs on a loopback address, beside the simulated
// Atlas and under a path of its own.
//
//	POST /do          {"actor": {"username", "remoteAddress"}, "method", "path", "body"}
//	                  acts as a person: {"status", "body"}. The path is what follows
//	                  /api/atlas/v2. Any username may act: its roles are not asked
//	POST /advance     {"by": "2h"} shifts the clock
//	POST /visibility  {"delay": "5s"} makes events visible that much later
//	POST /login       {"projectId", "cluster", "username", "authSource", "ipAddress", "ok"}
//	POST /accept      {"username"} accepts the person's invitations
//	GET  /world       the state as a world, in YAML, with its credentials
//	GET  /effects     every change of state so far
//	GET  /webhooks    the webhooks that were sent, and what became of them
func (a *Atlas) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /do", control(a.controlDo))
	mux.HandleFunc("POST /advance", control(func(in struct{ By duration }) any { a.Advance(in.By.Duration); return object{} }))
	mux.HandleFunc("POST /visibility", control(func(in struct{ Delay duration }) any { a.SetVisibility(in.Delay.Duration); return object{} }))
	mux.HandleFunc("POST /login", control(a.controlLogin))
	mux.HandleFunc("POST /accept", control(a.controlAccept))
	mux.HandleFunc("GET /effects", func(w http.ResponseWriter, _ *http.Request) { reply(w, a.Effects()) })
	mux.HandleFunc("GET /webhooks", func(w http.ResponseWriter, _ *http.Request) { reply(w, a.webhookLines()) })
	mux.HandleFunc("GET /world", func(w http.ResponseWriter, _ *http.Request) {
		out, err := a.Snapshot().YAML()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/yaml")
		w.Write(out) // a client that went away is its own affair
	})
	return mux
}

// duration is a Go duration in JSON.
type duration struct{ time.Duration }

// UnmarshalJSON reads "2h" or "5s".
func (d *duration) UnmarshalJSON(b []byte) (err error) {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration such as \"2h\" is wanted: %w", err)
	}
	d.Duration, err = time.ParseDuration(s)
	return err
}

// control decodes a request strictly and answers with what f returns.
func control[T any](f func(T) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			http.Error(w, "read the request: "+err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, f(in))
	}
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return // a client that went away is its own affair
	}
}

// deed is what somebody does by hand.
type deed struct {
	Actor struct {
		Username, UserID, RemoteAddress string
		GlobalAdmin                     bool
	}
	Method, Path string
	Body         json.RawMessage
}

func (a *Atlas) controlDo(in deed) any {
	who := Actor{Username: in.Actor.Username, UserID: in.Actor.UserID, RemoteAddress: in.Actor.RemoteAddress, GlobalAdmin: in.Actor.GlobalAdmin}
	status, raw := a.Do(who, in.Method, in.Path, in.Body)
	out := object{"status": status}
	if json.Valid(raw) {
		out["body"] = json.RawMessage(raw)
	}
	return out
}

func (a *Atlas) controlAccept(in struct{ Username string }) any {
	if err := a.AcceptInvitation(in.Username); err != nil {
		return object{"error": err.Error()}
	}
	return object{}
}

type login struct {
	ProjectID, Cluster, Username, AuthSource, IPAddress string
	OK                                                  bool
}

func (a *Atlas) controlLogin(in login) any {
	a.RecordLogin(in.ProjectID, in.Cluster, in.Username, in.AuthSource, in.IPAddress, in.OK)
	return object{}
}

// webhookLines are the webhooks sent, as JSON.
func (a *Atlas) webhookLines() []object {
	out := []object{}
	for _, d := range a.WebhookLog() {
		line := object{"at": d.At, "url": d.URL, "event": d.Event, "alertId": d.AlertID, "status": d.Status}
		if d.Err != nil {
			line["error"] = d.Err.Error()
		}
		out = append(out, line)
	}
	return out
}
