package stream

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Access is what a process does here, and so what its user on an external cluster must be
// allowed. Nothing more is: a bucket has one writer, except the sealed tokens, which every
// process that calls Atlas keeps there and which mean nothing to another.
type Access struct {
	Work    []Worker       // the queues and facts that it takes from; handlers are not asked for
	Publish []access.Topic // what it says; the dead letters go with Work
	Write   []string       // buckets, to read and to write
	Read    []string       // buckets, to read only
	Changes bool           // Changes, ChangesEnd, ChangesSince and ChangesBegin
	Audit   bool           // Log, FactStreams and Table
}

// Permissions are the subjects that a user on the cluster may publish to and subscribe to.
type Permissions struct {
	Publish   []string
	Subscribe []string
}

// Permissions are those that a process with this access and this inbox needs, in a fixed order.
func (a Access) Permissions(prefix, inbox string) Permissions {
	s := &Stream{o: Options{Prefix: prefix}}
	pub := []string{"$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.LIST"}
	for _, t := range a.Publish {
		pub = append(pub, prefix+"."+string(t)+".>")
	}
	if a.Audit {
		pub = append(pub, s.auditSubjects()...)
	}
	for _, w := range a.Work {
		pub = append(pub, s.workSubjects(w)...)
	}
	if a.Changes {
		st := s.streamName(streamChanges)
		pub = append(pub, "$JS.API.STREAM.MSG.GET."+st, "$JS.API.CONSUMER.CREATE."+st+".*", "$JS.API.CONSUMER.MSG.NEXT."+st+".*", "$JS.API.CONSUMER.DELETE."+st+".*")
	}
	for _, b := range append(slices.Clone(a.Write), bucketTokens) {
		pub = append(pub, s.writeSubjects(b)...)
	}
	for _, b := range a.Read {
		if !slices.Contains(a.Write, b) {
			pub = append(pub, s.readSubjects(b)...)
		}
	}
	slices.Sort(pub)
	return Permissions{Publish: slices.Compact(pub), Subscribe: []string{inbox + ".>"}}
}

// workSubjects: to look at a consumer, to ask it for messages and to acknowledge them, and the dead letters.
func (s *Stream) workSubjects(w Worker) []string {
	lanes, err := s.lanes(w)
	if err != nil {
		panic(err) // a topic that does not exist: a mistake of the program
	}
	out := []string{s.o.Prefix + ".dlq." + string(w.Topic)}
	r, _ := routeOf(w.Topic) // lanes has asked already
	st := s.streamName(r.stream)
	for _, l := range lanes {
		at := st + "." + l.config.Durable
		out = append(out, "$JS.API.CONSUMER.INFO."+at, "$JS.API.CONSUMER.MSG.NEXT."+at, "$JS.ACK."+at+".>")
	}
	return out
}

// auditSubjects: to extend and read the chain, to follow the streams of facts, and to keep and wipe
// out rows of the table of persons.
func (s *Stream) auditSubjects() []string {
	people := s.bucketName(bucketPeople)
	out := []string{
		s.o.Prefix + ".audit", "$JS.API.STREAM.MSG.GET." + s.streamName(streamAudit),
		"$JS.API.STREAM.MSG.GET.KV_" + people, "$JS.API.STREAM.MSG.DELETE.KV_" + people, "$KV." + people + ".>",
	}
	for _, name := range factStreams() {
		st := s.streamName(name)
		out = append(out, "$JS.API.STREAM.MSG.GET."+st, "$JS.API.CONSUMER.CREATE."+st+".*", "$JS.API.CONSUMER.MSG.NEXT."+st+".*", "$JS.API.CONSUMER.DELETE."+st+".*")
	}
	return out
}

// writeSubjects: what reading needs, the documents and the parts of large ones. Locks and tokens are single
// messages, which are only got and put.
func (s *Stream) writeSubjects(bucket string) []string {
	full := s.bucketName(bucket)
	if bucket == bucketLocks || bucket == bucketTokens {
		return []string{"$JS.API.STREAM.MSG.GET.KV_" + full, "$KV." + full + ".>"}
	}
	return append(s.readSubjects(bucket), "$JS.API.STREAM.PURGE.KV_"+full, "$KV."+full+".>", s.chunkSubject(full)+">")
}

// readSubjects: gets through the leader, and the short-lived consumers of Keys, Flush and Watch.
func (s *Stream) readSubjects(bucket string) []string {
	st := "KV_" + s.bucketName(bucket)
	return []string{
		"$JS.API.STREAM.MSG.GET." + st,
		"$JS.API.CONSUMER.CREATE." + st + ".*.$KV." + s.bucketName(bucket) + ".>",
		"$JS.API.CONSUMER.MSG.NEXT." + st + ".*",
		"$JS.API.CONSUMER.DELETE." + st + ".*",
	}
}

// BootstrapPermissions are those of the identity of Bootstrap: to set up streams and consumers, and to
// read or write nothing in them.
func BootstrapPermissions(prefix, inbox string) Permissions {
	s := &Stream{o: Options{Prefix: prefix}}
	pub := []string{"$JS.API.INFO", "$JS.API.STREAM.INFO.*"}
	for _, p := range s.streamPlans() {
		st := s.streamName(p.name)
		pub = append(pub, "$JS.API.STREAM.CREATE."+st, "$JS.API.STREAM.UPDATE."+st, "$JS.API.CONSUMER.INFO."+st+".*", "$JS.API.CONSUMER.CREATE."+st+".>")
	}
	for _, p := range s.bucketPlans() {
		st := "KV_" + s.bucketName(p.name)
		pub = append(pub, "$JS.API.STREAM.CREATE."+st, "$JS.API.STREAM.UPDATE."+st)
	}
	slices.Sort(pub)
	return Permissions{Publish: pub, Subscribe: []string{inbox + ".>"}}
}
