package rules

import (
	"net/netip"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const entryAdded = "NETWORK_PERMISSION_ENTRY_ADDED"

// passingWorld reports whether the entry of a change, which is not the world alone, was the
// world together with what stood beside it while it was there. Where the others are the
// world without any such entry, what stands tells of it.
func (s *subject) passingWorld() bool {
	p, ok := s.w.prefix(s.entryName())
	if s.change == nil || !ok || !wide(p) || s.exposure().World() {
		return false
	}
	stood := s.stoodBeside()
	if reach.Expose(stood).World() {
		return false
	}
	return reach.Expose(append(append(stood, p), s.passedBeside()...)).World()
}

// wide reports whether an entry may be a cause of a union that is the world.
func wide(p netip.Prefix) bool {
	return reach.Expose([]netip.Prefix{p}).V4 > wideV4 || p.Addr().Is6() && p.Bits() < wideV6
}

// stoodBeside are the entries of the list that were added before the change's was gone.
func (s *subject) stoodBeside() (out []netip.Prefix) {
	for _, r := range s.w.list {
		if p, ok := s.w.prefix(r.Name()); ok && r.Name() != s.entryName() && !added(r).After(s.ended()) {
			out = append(out, p)
		}
	}
	return out
}

// passedBeside are the entries, gone by now, that other changes of the same judgement tell
// of and that were there for a part of the while: those that no read showed, and those
// that one did and that were removed since. Of changes that came with an earlier judgement
// nothing is known any more.
func (s *subject) passedBeside() (out []netip.Prefix) {
	from, to := s.change.Occurred, s.ended()
	for _, c := range s.w.in.Changes {
		other := subject{change: &c}
		came := c.Op == access.OpObserved && c.Type == entryAdded && !c.Occurred.After(to) && !other.ended().Before(from)
		went := c.Op == access.OpDeleted && c.Occurred.After(from)
		if c.Ref.Kind != access.KindIPAccessEntry || c.ID == s.change.ID || !came && !went {
			continue
		}
		if p, ok := s.w.prefix(c.Ref.Name); ok {
			out = append(out, p)
		}
	}
	return out
}
