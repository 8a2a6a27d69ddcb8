// Package sim is a simulated MongoDB Atlas: an http.Handler that answers the part of
// the Atlas Administration API v2 which governs access, for any client, as the real
// server does: with its credentials, versioned media types, paging, error bodies, token
// buckets and activity feeds.
//
// It owns one model of organisations and projects, guarded by one mutex. A request is
// admitted (credentials, route), may be struck by a fault, and is then answered under
// the lock: bucket, version, scope, role, handler. A handler changes the model, records
// one [Effect] for a real change of state and writes the documented event into the
// right feed with the actor who asked.
//
// Nothing runs in the background. Everything that Atlas does later (an event becoming
// visible, an entry expiring, a cluster becoming ready, a bucket refilling) is worked
// out from the clock when somebody asks, so the package is safe inside a
// testing/synctest bubble. A webhook that an alert configuration asks for waits until
// [Atlas.Deliver] is called. All randomness is drawn from [Options.Seed].
//
// The package stands for Atlas and imports nothing of the client, so that the two
// cannot share a mistake. Where the real behaviour is not documented the choice made
// here is marked "guess".
package sim
