package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ocsfVersion is the version of the schema (schema.ocsf.io) that the lines follow.
const ocsfVersion = "1.4.0"

// The part of OCSF's class API Activity (6003) that a fact fills. Times are milliseconds.
type (
	ocsfActivity struct {
		ActivityID   int            `json:"activity_id"`
		ActivityName string         `json:"activity_name"`
		Actor        ocsfActor      `json:"actor"`
		API          ocsfAPI        `json:"api"`
		CategoryName string         `json:"category_name"`
		CategoryUID  int            `json:"category_uid"`
		ClassName    string         `json:"class_name"`
		ClassUID     int            `json:"class_uid"`
		Message      string         `json:"message,omitempty"`
		Metadata     ocsfMetadata   `json:"metadata"`
		RawData      string         `json:"raw_data,omitempty"`
		Resources    []ocsfResource `json:"resources,omitempty"`
		Severity     string         `json:"severity"`
		SeverityID   int            `json:"severity_id"`
		SrcEndpoint  ocsfEndpoint   `json:"src_endpoint"`
		Time         int64          `json:"time"`
		TypeName     string         `json:"type_name"`
		TypeUID      int            `json:"type_uid"`
		Unmapped     ocsfChain      `json:"unmapped"`
	}
	ocsfActor struct {
		AppName string    `json:"app_name,omitempty"`
		User    *ocsfUser `json:"user,omitempty"`
	}
	ocsfUser struct {
		Name   string `json:"name"`
		Type   string `json:"type"`
		TypeID int    `json:"type_id"`
		UID    string `json:"uid,omitempty"`
	}
	ocsfAPI struct {
		Operation string            `json:"operation"`
		Service   map[string]string `json:"service"`
	}
	ocsfEndpoint struct {
		IP   string `json:"ip,omitempty"`
		Name string `json:"name,omitempty"`
	}
	ocsfMetadata struct {
		LogName      string            `json:"log_name"`
		LogProvider  string            `json:"log_provider"`
		LoggedTime   int64             `json:"logged_time"`
		OriginalTime string            `json:"original_time"`
		Product      map[string]string `json:"product"`
		Sequence     uint64            `json:"sequence"`
		UID          string            `json:"uid"`
		Version      string            `json:"version"`
	}
	ocsfResource struct {
		Group map[string]string `json:"group"`
		Name  string            `json:"name"`
		Type  string            `json:"type"`
		UID   string            `json:"uid"`
	}
	ocsfChain struct {
		Entry uint64 `json:"entry"`
		Hash  string `json:"entry_hash"`
		Fact  string `json:"fact_hash,omitempty"`
		Left  Left   `json:"body_left_out,omitempty"`
		To    uint64 `json:"lost_up_to,omitempty"`
	}
)

// saying is what the facts of all sources have in common, read leniently: what a fact does not
// say stays empty, and raw_data has all of it.
type saying struct {
	Type      string       `json:"type"`      // of an event, a decision or a command
	EventType string       `json:"eventType"` // of a change
	Op        access.Op    `json:"op"`
	To        string       `json:"to"` // state of a finding
	Actor     access.Actor `json:"actor"`
	By        string       `json:"by"` // of a command
	Ref       access.Ref   `json:"ref"`
	Scope     access.Scope `json:"scope"`
	Target    string       `json:"target"`
	Message   string       `json:"message"`
	Why       string       `json:"why"`
	Action    about        `json:"action"`
	Finding   about        `json:"finding"`
	Command   asked        `json:"command"`
}

// asked is what a command asks for, and who does.
type asked struct {
	Verb   string       `json:"verb"`
	By     string       `json:"by"`
	Scope  access.Scope `json:"scope"`
	Target string       `json:"finding"`
	Reason string       `json:"reason"`
}

// about is what a decision's action or a transition's finding is about.
type about struct {
	Ref     access.Ref `json:"ref"`
	Message string     `json:"message"`
}

// ExportOCSF writes the facts of a range as lines of API Activity (class 6003): created,
// updated or deleted for a change, and Other for all else, with the word for it as operation.
// Persons are their pseudonyms where names is nil, or they are erased.
func ExportOCSF(ctx context.Context, w io.Writer, chain iter.Seq2[Record, error], r Range, names Names) error {
	for x, err := range Facts(ctx, chain, r, names) {
		if err != nil {
			return err
		}
		if err := writeLine(w, activity(x)); err != nil {
			return fmt.Errorf("audit: export entry %d: %w", x.Entry, err)
		}
	}
	return nil
}

func activity(x Exported) ocsfActivity {
	body := x.named(string(x.Body))
	var s saying
	_ = json.Unmarshal([]byte(body), &s) // what cannot be read is in raw_data
	if c := s.Command; c.Verb != "" {
		s.Type, s.By, s.Scope, s.Target, s.Why = "command "+c.Verb, c.By, c.Scope, c.Target, c.Reason
	}
	at := x.Fact.At
	if at.IsZero() {
		at = x.Recorded
	}
	a := ocsfActivity{
		API:          ocsfAPI{Operation: s.operation(x.Fact), Service: map[string]string{"name": s.service(x.Fact)}},
		CategoryName: "Application Activity", CategoryUID: 6, ClassName: "API Activity", ClassUID: 6003,
		Message: cmp.Or(s.Message, s.Why, s.Finding.Message),
		Metadata: ocsfMetadata{
			LogName: x.Fact.Source, LogProvider: "gatewarden", LoggedTime: x.Recorded.UnixMilli(), OriginalTime: access.Stamp(at),
			Product:  map[string]string{"name": "Gatewarden", "uid": "gatewarden", "vendor_name": "Gatewarden"},
			Sequence: x.Fact.Seq, UID: fmt.Sprintf("%s/%d", x.Fact.Source, x.Fact.Seq), Version: ocsfVersion,
		},
		RawData: body, Resources: s.resources(), Severity: "Informational", SeverityID: 1, Time: at.UnixMilli(),
		Unmapped: ocsfChain{Entry: x.Entry, Hash: x.Hash, Fact: x.Fact.Hash, Left: x.Fact.Left, To: x.Fact.To},
	}
	a.Actor, a.SrcEndpoint = s.actor(x.Fact)
	a.ActivityID, a.ActivityName = s.activity()
	a.TypeUID, a.TypeName = 600300+a.ActivityID, "API Activity: "+a.ActivityName
	return a
}

// named puts the names that were asked for in the place of their pseudonyms: where the fact
// says that there is one, and not wherever a text reads like one. A name is spelled as JSON
// spells it.
func (x Exported) named(body string) string {
	var b strings.Builder
	at, shift := 0, 0 // of the body; what the body is longer than the stored message until here
	for _, p := range x.Fact.People {
		word := Pseudonym(p.Person)
		begin := p.At + shift
		end := begin + len(word)
		if shift += len(word) - p.Len; end > len(body) {
			break // there is no body
		}
		if name, err := canonical(x.Names[word]); err == nil && len(name) > 2 {
			b.WriteString(body[at:begin])
			b.Write(name[1 : len(name)-1])
			at = end
		}
	}
	return b.String() + body[at:]
}

func (s saying) activity() (int, string) {
	switch s.Op {
	case access.OpCreated:
		return 1, "Create"
	case access.OpUpdated:
		return 3, "Update"
	case access.OpDeleted:
		return 4, "Delete"
	}
	return 99, "Other"
}

// kindOf is what a source holds, by the end of its stream's name: EVENTS, CHANGES and so on.
func kindOf(f Fact) string {
	name, _, _ := strings.Cut(f.Source, "@") // when it was made
	return name[strings.LastIndexByte(name, '_')+1:]
}

// operation is the word for what was done.
func (s saying) operation(f Fact) string {
	switch {
	case f.lost():
		return "lost"
	case s.Op != "":
		return cmp.Or(s.EventType, strings.TrimSpace(string(s.Op)+" "+string(s.Ref.Kind)))
	case s.To != "":
		return "finding " + s.To
	}
	return cmp.Or(s.Type, strings.ToLower(kindOf(f)))
}

// service is where it was done: in Atlas, or by Gatewarden.
func (s saying) service(f Fact) string {
	if slices.Contains([]string{"EVENTS", "CHANGES"}, kindOf(f)) {
		return "MongoDB Atlas Administration API"
	}
	return "Gatewarden"
}

// actor is who did it and from where. The class wants both, and what nobody knows is said to
// be unknown; a finding is what Gatewarden says of another's deed.
func (s saying) actor(f Fact) (ocsfActor, ocsfEndpoint) {
	who, from := s.Actor, ocsfEndpoint{}
	switch addr, err := netip.ParseAddr(who.Address); {
	case err == nil:
		from.IP = addr.String()
	default:
		from.Name = cmp.Or(who.Address, "unknown")
	}
	switch {
	case who.Name != "" || who.ID != "":
		typ, id := userType(who.Type)
		return ocsfActor{User: &ocsfUser{Name: cmp.Or(who.Name, who.ID), Type: typ, TypeID: id, UID: who.ID}}, from
	case s.By != "":
		return ocsfActor{User: &ocsfUser{Name: s.By, Type: "Unknown"}}, from
	case slices.Contains([]string{"FINDINGS", "DECISIONS"}, kindOf(f)):
		return ocsfActor{AppName: "Gatewarden"}, from
	}
	return ocsfActor{AppName: "unknown"}, from
}

func userType(t access.ActorType) (string, int) {
	switch t {
	case access.ActorHuman, access.ActorDelegated:
		return "User", 1
	case access.ActorAtlas, access.ActorEmployee:
		return "System", 3
	case access.ActorAPIKey, access.ActorServiceAccount:
		return "Service", 4
	}
	return "Unknown", 0
}

// resources is what it was done to.
func (s saying) resources() []ocsfResource {
	for _, ref := range []access.Ref{s.Ref, s.Action.Ref, s.Finding.Ref} {
		if ref.Kind != "" {
			return []ocsfResource{{Group: map[string]string{"uid": string(ref.Scope)}, Name: ref.Name, Type: string(ref.Kind), UID: ref.String()}}
		}
	}
	if s.Target != "" {
		return []ocsfResource{{Group: map[string]string{"uid": string(s.Scope)}, Name: s.Target, Type: "target", UID: s.Target}}
	}
	return nil
}
