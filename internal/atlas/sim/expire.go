package sim

import (
	"container/heap"
	"slices"
	"time"
)

// removalLag is how long after its date Atlas removes something (a guess: "minutes" in
// the reference, short here so that stories stay short).
const removalLag = time.Minute

// deadline says that something of a project is due at a time, or of an organisation
// where there is no project.
type deadline struct {
	at      time.Time
	project *project
	org     *org
}

type deadlines []deadline

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is for container/heap.
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) }

// Pop is for container/heap.
func (d *deadlines) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// expect has the project looked at when something with that date goes away.
func (a *Atlas) expect(p *project, date *time.Time) {
	if date != nil {
		a.wake(p, date.Add(removalLag))
	}
}

func (a *Atlas) wake(p *project, at time.Time) { heap.Push(&a.due, deadline{at: at, project: p}) }

func (a *Atlas) wakeOrg(o *org, at time.Time) { heap.Push(&a.due, deadline{at: at, org: o}) }

// tick brings everything up to date that Atlas does by itself.
func (a *Atlas) tick(now time.Time) {
	for len(a.due) > 0 && !a.due[0].at.After(now) {
		d := heap.Pop(&a.due).(deadline)
		if d.project == nil {
			a.moveOrg(d.org, now)
			continue
		}
		if a.projects[d.project.id] == d.project {
			a.expireEntries(d.project, now)
			a.expireUsers(d.project, now)
			a.moveClusters(d.project, now)
			a.moveNetwork(d.project, now)
			a.moveDatabaseAuth(d.project, now)
			a.moveTarget(d.project, now)
			a.moveBackup(d.project, now)
		}
	}
}

// moveOrg does what Atlas does by itself in the organisation when its time has come.
func (a *Atlas) moveOrg(o *org, now time.Time) {
	if a.org(o.id) == o {
		a.moveSecrets(o, now)
	}
}

func expired(date *time.Time, now time.Time) bool {
	return date != nil && !date.Add(removalLag).After(now)
}

func (a *Atlas) expireEntries(p *project, now time.Time) {
	p.access = slices.DeleteFunc(p.access, func(e *entry) bool {
		if !expired(e.DeleteAfterDate, now) {
			return false
		}
		a.expireOne(p, e.DeleteAfterDate, e.key(), text(e.AccessEntry), "NETWORK_PERMISSION_ENTRY_REMOVED", object{"whitelistEntry": e.shown()})
		return true
	})
}

func (a *Atlas) expireUsers(p *project, now time.Time) {
	p.users = slices.DeleteFunc(p.users, func(u *DatabaseUser) bool {
		if !expired(u.DeleteAfterDate, now) {
			return false
		}
		a.expireOne(p, u.DeleteAfterDate, u.key(), text(u), "MONGODB_USER_DELETED", object{"dbUserUsername": u.eventName()})
		return true
	})
}

// expireOne records that something went by its date: an event without an actor.
func (a *Atlas) expireOne(p *project, date *time.Time, target, before, kind string, extra object) {
	at := date.Add(removalLag)
	a.addEffect(Effect{At: at, OperationID: "expire", ProjectID: p.id, Target: target, Before: before})
	a.record(&p.feed, at, Actor{}, kind, object{"groupId": p.id}, extra)
}

// checkExpiry applies the rules for deleteAfterDate. held is the existing thing's date,
// exists whether there is one.
func checkExpiry(want, held *time.Time, exists bool, now time.Time) *problem {
	switch {
	case exists && held != nil && !held.After(now):
		return bad("ALREADY_EXPIRED", "The entity has already expired.")
	case want == nil:
		return nil
	case exists && held == nil:
		return bad("PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY", "A permanent entity cannot be made temporary.")
	case !want.After(now):
		return bad("EXPIRATION_DATE_IN_PAST", "The expiration date must be in the future.")
	case want.After(now.Add(7 * 24 * time.Hour)):
		return bad("EXPIRATION_DATE_EXCEEDS_MAX", "The expiration date must be at most 7 days in the future.")
	}
	return nil
}
