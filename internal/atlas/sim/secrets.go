package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	secretPrefix = "mdb_sa_sk_fake_"
	// shortestSecret is the shortest life of a secret, in hours.
	shortestSecret = 8
	// graceOfOld is how long a secret lives on at most when another one is made.
	graceOfOld = 7 * 24 * time.Hour
	// warningAhead is how long before its end Atlas says that a secret expires (a guess).
	warningAhead = 30 * 24 * time.Hour
)

// accountSecret is one secret of a service account. One that has expired stays until it
// is deleted.
type accountSecret struct {
	id, value        string
	created, expires time.Time
	used             *time.Time
	warned, lapsed   bool // Atlas said that it expires, that it has expired
}

// worldSecret completes a secret that a world states.
func (a *Atlas) worldSecret(p *principal, n int, w AccountSecret) *accountSecret {
	made := a.derive("secret", p.clientID, fmt.Sprint(n))
	s := &accountSecret{
		id: orDefault(w.ID, made[:24]), value: orDefault(w.Secret, secretPrefix+made[24:]),
		created: a.now().Truncate(time.Second), used: copied(w.LastUsedAt),
	}
	if w.CreatedAt != nil {
		s.created = w.CreatedAt.UTC().Truncate(time.Second)
	}
	s.expires = s.created.Add(365 * 24 * time.Hour)
	if w.ExpiresAt != nil {
		s.expires = w.ExpiresAt.UTC().Truncate(time.Second)
	}
	return s
}

func (s *accountSecret) world() AccountSecret {
	return AccountSecret{ID: s.id, Secret: s.value, CreatedAt: copied(&s.created), ExpiresAt: copied(&s.expires), LastUsedAt: copied(s.used)}
}

// view shows a secret without its value. lastUsedAt is null until it has been used.
func (s *accountSecret) view() object {
	out := object{"id": s.id, "createdAt": s.created, "expiresAt": s.expires, "lastUsedAt": nil, "maskedSecretValue": s.masked()}
	if s.used != nil {
		out["lastUsedAt"] = *s.used
	}
	return out
}

// masked is what lists show of a secret (how much it shows is a guess). A world may
// state one that is too short to show any of it.
func (s *accountSecret) masked() string {
	const left = 4
	if len(s.value) < 4*left {
		return "mdb_sa_sk_..."
	}
	return "mdb_sa_sk_..." + s.value[len(s.value)-left:]
}

// shown is the answer to the request that made the secret.
func (s *accountSecret) shown() object { return overlay(s.view(), object{"secret": s.value}) }

// secretLife reads how many hours a new secret is to live.
func (c *call) secretLife(doc object) (time.Duration, *problem) {
	hours, _ := doc["secretExpiresAfterHours"].(float64)
	if most := c.org.maxSecretHours(); hours < shortestSecret || hours > float64(most) {
		return 0, invalidField("secretExpiresAfterHours", "must be within the organization's limits")
	}
	return time.Duration(hours) * time.Hour, nil
}

// newSecret gives the account another secret. The life of those it has is cut to a week.
func (c *call) newSecret(p *principal, life time.Duration) *accountSecret {
	for _, old := range p.secrets {
		if last := c.at.Truncate(time.Second).Add(graceOfOld); old.expires.After(last) {
			old.expires = last
			c.a.watchSecret(c.org, old)
		}
	}
	made := c.a.derive("new secret", p.clientID, c.a.nextID("secret"))
	s := &accountSecret{id: made[:24], value: secretPrefix + made[24:], created: c.at.Truncate(time.Second)}
	s.expires = s.created.Add(life)
	p.secrets = append(p.secrets, s)
	c.a.watchSecret(c.org, s)
	return s
}

func (c *call) createSecret() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	doc, wrong := c.document()
	if wrong != nil {
		return answer{}, wrong
	}
	life, wrong := c.secretLife(doc)
	if wrong != nil {
		return answer{}, wrong
	}
	if most := c.limit(limitSecrets); len(p.secrets) >= most { // expired ones count, and the code: guesses
		return answer{}, bad("MAX_SERVICE_ACCOUNT_SECRETS_EXCEEDED", "A service account cannot have more than %d secrets.", most)
	}
	before := p.state()
	s := c.newSecret(p, life)
	c.effect(p.target(), before, p.state())
	c.accountEvent("SERVICE_ACCOUNT_SECRET_ADDED")
	return answer{status: http.StatusCreated, body: s.shown()}, nil
}

// deleteSecret ends a secret. Tokens that were issued for it live on.
func (c *call) deleteSecret() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	i := slices.IndexFunc(p.secrets, func(s *accountSecret) bool { return s.id == c.params["secretId"] })
	if i < 0 {
		return answer{}, missing("SERVICE_ACCOUNT_SECRET_NOT_FOUND", "The service account has no secret with ID %s.", c.params["secretId"]) // a guess
	}
	before := p.state()
	p.secrets = slices.Delete(p.secrets, i, i+1)
	c.effect(p.target(), before, p.state())
	c.accountEvent("SERVICE_ACCOUNT_SECRET_DELETED")
	return empty(http.StatusNoContent)
}

// watchSecret has the organisation looked at when the secret is about to expire and when
// it has. What is past already is not announced, nor is the end of a secret that never
// had as long to live as the warning is ahead (a guess).
func (a *Atlas) watchSecret(o *org, s *accountSecret) {
	now := a.now()
	s.warned, s.lapsed = !s.warning().After(now), !s.expires.After(now)
	if !s.warned {
		a.wakeOrg(o, s.warning())
	}
	if !s.lapsed {
		a.wakeOrg(o, s.expires)
	}
}

func (s *accountSecret) warning() time.Time { return s.expires.Add(-warningAhead) }

// moveSecrets announces the secrets that expire.
func (a *Atlas) moveSecrets(o *org, now time.Time) {
	for _, p := range o.principals {
		for _, s := range p.secrets {
			if !s.warned && !s.warning().After(now) {
				s.warned = true
				a.announceSecret(p, s.warning(), "SERVICE_ACCOUNT_SECRETS_EXPIRING")
			}
			if !s.lapsed && !s.expires.After(now) {
				s.lapsed = true
				a.announceSecret(p, s.expires, "SERVICE_ACCOUNT_SECRETS_EXPIRED")
			}
		}
	}
}

// announceSecret tells the organisation and every project in which the account has roles.
func (a *Atlas) announceSecret(p *principal, at time.Time, kind string) {
	a.record(&p.org.feed, at, Actor{}, "ORG_"+kind, object{"orgId": p.org.id}, nil)
	for _, q := range p.org.projects {
		if len(p.projectRoles(q)) > 0 {
			a.record(&q.feed, at, Actor{}, "GROUP_"+kind, object{"groupId": q.id}, nil)
		}
	}
}
