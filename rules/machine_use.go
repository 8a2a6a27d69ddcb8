package rules

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// aDay: Atlas's dates of use are held by the day, and the use may be at its end.
const aDay = 24 * time.Hour

// machineUse is when a credential was last used, as far as Atlas or the feed tell.
type machineUse struct {
	last    time.Time // or when it was last given something to be used by; zero: not known
	ever    bool      // it is known to have been used
	unknown string
}

// use takes the newest of what Atlas tells of a credential's secrets and of its access
// list, and of what it was seen doing in the org. A secret or an entry that was never used
// counts from when it was made: somebody cared for the credential then.
func (s *subject) use() machineUse {
	id, key := s.machineID(), s.ref.Kind == access.KindAPIKey
	var out machineUse
	for _, e := range s.w.accessEntries()[id] {
		out.take(e.LastUsed, e.CreatedAt)
	}
	for _, x := range s.w.secretsOf(id) {
		out.take(x.LastUsed, x.CreatedAt)
	}
	for _, at := range s.w.in.History.Duties[id] {
		out.take(at, time.Time{})
	}
	switch {
	case s.w.oddOf(access.KindAPIAccessEntry, id) || !key && s.w.oddOf(access.KindServiceAccountSecret, id):
		out.unknown = "what Atlas tells of its use could not be decoded when it was last read"
	case key && len(s.w.accessEntries()[id]) == 0:
		out.unknown = "Atlas tells the use of an API key by the entries of its access list only, and it has none"
	case out.last.IsZero():
		out.unknown = "Atlas tells neither a use nor when there was something to use"
	}
	return out
}

func (u *machineUse) take(used, made time.Time) {
	if !used.IsZero() {
		u.ever = true
		used = used.Add(aDay)
	}
	for _, at := range []time.Time{used, made} {
		if at.After(u.last) {
			u.last = at
		}
	}
}

func (w *world) secretsOf(client string) []access.ServiceAccountSecret {
	m := &w.memo.machine
	if m.secrets == nil {
		m.secrets = map[string][]access.ServiceAccountSecret{}
		for _, x := range access.States[access.ServiceAccountSecret](w.in.Collections[access.KindServiceAccountSecret]) {
			m.secrets[x.ClientID] = append(m.secrets[x.ClientID], x)
		}
	}
	return m.secrets[client]
}

// withoutSecret reports whether nobody can sign in as the service account.
func (s *subject) withoutSecret() bool {
	return s.ref.Kind == access.KindServiceAccount && len(s.w.secretsOf(s.machineID())) == 0 &&
		!s.w.oddOf(access.KindServiceAccountSecret, s.machineID())
}

// made is when the secret of a credential was made.
type made struct {
	at    time.Time
	exact bool // else it may be older
}

// made: a service account is as old as its newest secret. An API key has one for all its
// life, and Atlas does not tell since when: it is as old as the key, which was there at
// the latest when it was first seen.
func (s *subject) made() made {
	if s.ref.Kind == access.KindAPIKey {
		if at := added(*s.res); !at.IsZero() {
			return made{at, true}
		}
		return made{s.res.FirstSeen, false}
	}
	var out made
	for _, x := range s.w.secretsOf(s.machineID()) {
		if x.CreatedAt.After(out.at) {
			out = made{x.CreatedAt, true}
		}
	}
	if s.w.oddOf(access.KindServiceAccountSecret, s.machineID()) {
		return made{}
	}
	return out
}

// firstSecret reports whether the change is of the secret that a new service account comes
// with: the account's own change tells of it.
func (s *subject) firstSecret() bool {
	return s.ref.Kind == access.KindServiceAccountSecret && s.change.Type == "SERVICE_ACCOUNT_CREATED"
}

func (s *subject) secret() access.ServiceAccountSecret {
	x, _ := access.As[access.ServiceAccountSecret](s.res.Box)
	return x
}

// otherSecret is the one that lasts longest of the account's other secrets that are valid
// and outlive this one; the zero secret if there is none.
func (s *subject) otherSecret() (out access.ServiceAccountSecret) {
	this := s.secret()
	for _, x := range s.w.secretsOf(this.ClientID) {
		if x.ID != this.ID && x.ExpiresAt.After(s.now) && x.ExpiresAt.After(this.ExpiresAt) && x.ExpiresAt.After(out.ExpiresAt) {
			out = x
		}
	}
	return out
}
