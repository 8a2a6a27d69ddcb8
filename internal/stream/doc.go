// Package stream keeps Gatewarden's state and carries its messages, on NATS JetStream:
// embedded (package natsd) or an external cluster, by the same code.
//
// # What is kept
//
// Documents live in KV buckets ([KV]), one JSON document a key, and change only by
// compare-and-set. Facts are messages in Limits streams, kept for [Options.Retention].
// Jobs are messages in work queues; they carry ids only. Subjects are
//
//	gw.event.<scope>  gw.change.<partition>.<scope>.<kind>  gw.finding.<scope>
//	gw.decision.<scope>.<type>  gw.command.<scope>  gw.audit
//	gw.poll.<scope>  gw.eval.<partition>.<scope>  gw.action.<finding id>
//	gw.notify.<sink>.<subject id>  gw.dlq.<topic>
//
// The audit reads the streams of facts ([Stream.FactStreams]), keeps its chain in gw.audit
// ([Stream.Log]) and the keys of persons in gw_people ([Stream.Table]), the one bucket in which
// what is deleted is overwritten on the disk.
//
// # A document
//
// The stored form is zstd of {"v":1,"n":…,"rev":…,"out":[…],"doc":…}. out is the outbox:
// messages that the state caused and that are not yet known to be published, numbered by
// n, which never restarts (a deletion keeps it). rev is the revision of the state when
// this message only cleared its outbox, so that the revision that callers see names a
// state and not a message. Above 512 KiB, document and outbox go into parts first, and
// the KV value is a manifest that lists them. Parts lie in the bucket's own stream under
// gw.chunk.<bucket>.<key>.<hash>.<unique>, hence under its limits and in its backup, but
// are no keys of the bucket. A part belongs to one write (or is taken over from the
// manifest that the write replaces), so deleting the parts that a compare-and-set dropped
// can never take one that another needs. Parts that a crash left behind are removed by
// [KV.Flush], which first fences out any writer that might still mean to list them.
//
// # The stage pattern
//
// [KV.Update] is: publish a leftover outbox and clear it → load → compute → compare-and-set
// of state and outbox → publish the outbox in order → clear it. A process may die between
// any two of these steps: the next Update or Flush of the key goes on where it stopped. So
// a message is published at least once, in order, and with the same message id each time;
// the server drops the second within its window (one hour for facts), but forgets the ids of
// consumed jobs at a restart. Nothing may rest on that: handlers are repeatable, and a
// compare-and-set decides.
//
// # Delivery
//
// [Stream.Run] delivers at least once, for ever: an error is tried again with growing delays.
// Only what cannot be decoded, or panicked five times, goes to GW_DLQ, and its scope is
// handed to [Options.DirtyScope]. A message whose handler runs is kept from other replicas by a
// heartbeat; a process that stalls longer than AckWait loses that protection, and then the
// compare-and-set decides between the two.
//
// Eval jobs run in lanes, one a partition of scopes, one job at a time over all replicas,
// in order. A lane's stream keeps up to three jobs of a scope and refuses a fourth: one being
// acknowledged, one running and one that waits and will see everything stored until then. (To
// drop the oldest, as the other queues do, would free the lane while the dropped job still runs.) A
// job that keeps failing is put back at the lane's end after at most five seconds, so
// that one scope's trouble delays its neighbours and does not stop them.
//
// # Reading
//
// All gets go through the leader: on three replicas a direct get can be 50 ms stale. Every
// error of the connection or the server wraps access.ErrTemporary.
package stream
