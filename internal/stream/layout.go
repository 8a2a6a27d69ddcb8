package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Layout is the version of streams, buckets and subjects that this program sets up. It
// refuses a higher one, and updates a lower one.
const Layout = 1

const (
	layoutKey  = "gw.layout" // in a stream's metadata
	apiLevel   = 2           // NATS 2.12: the oldest server whose message TTL and compare-and-set on clusters can be relied upon
	factWindow = time.Hour   // of de-duplication
	jobWindow  = 2 * time.Minute
	dlqAge     = 30 * 24 * time.Hour
	pollBytes  = 32 << 20
	markerTTL  = 5 * time.Second // of the mark that an expired lock or token leaves
	laneDepth  = 3               // eval jobs of one scope; see the package comment
)

// The streams, without prefix.
const (
	streamEvents    = "EVENTS"
	streamChanges   = "CHANGES"
	streamFindings  = "FINDINGS"
	streamDecisions = "DECISIONS"
	streamCommands  = "COMMANDS"
	streamAudit     = "AUDIT"
	streamPoll      = "POLL"
	streamEval      = "EVAL"
	streamActions   = "ACTIONS"
	streamNotify    = "NOTIFY"
	streamDLQ       = "DLQ"
)

// Names of the buckets, without prefix.
const (
	bucketLocks  = "locks"
	bucketTokens = "tokens"
	bucketPeople = "people"
)

// plan is one stream or bucket: its share of the store and what is particular to it.
type plan struct {
	name   string // of a stream: EVENTS; of a bucket: watch
	share  int64  // of the store, in thousandths
	config func(*jetstream.StreamConfig)
}

// The shares sum to 800: a fifth of the store stays free.

// streamPlans: facts that only tell of the past give way to newer ones when their share is
// full; decisions, commands, audit and jobs refuse instead, since no write to Atlas may start whose
// intent cannot be stored.
func (s *Stream) streamPlans() []plan {
	fact := func(word string, discard jetstream.DiscardPolicy) func(*jetstream.StreamConfig) {
		return func(c *jetstream.StreamConfig) {
			c.Subjects = []string{s.o.Prefix + "." + word + ".>"}
			c.MaxAge = s.o.Retention
			c.Duplicates = min(factWindow, s.o.Retention)
			c.Discard = discard
		}
	}
	job := func(word string, perSubject int64, more func(*jetstream.StreamConfig)) func(*jetstream.StreamConfig) {
		return func(c *jetstream.StreamConfig) {
			c.Subjects = []string{s.o.Prefix + "." + word + ".>"}
			c.Retention = jetstream.WorkQueuePolicy
			c.Discard = jetstream.DiscardNew // of the whole; of one subject, the newer replaces the older
			c.MaxMsgsPerSubject = perSubject
			c.Duplicates = jobWindow
			if more != nil {
				more(c)
			}
		}
	}
	return []plan{
		{streamEvents, 65, fact("event", jetstream.DiscardOld)},
		{streamChanges, 115, fact("change", jetstream.DiscardOld)},
		{streamFindings, 80, fact("finding", jetstream.DiscardOld)},
		{streamDecisions, 60, fact("decision", jetstream.DiscardNew)},
		{streamCommands, 10, fact("command", jetstream.DiscardNew)},
		{streamAudit, 100, func(c *jetstream.StreamConfig) {
			c.Subjects = []string{s.o.Prefix + ".audit", s.o.Prefix + ".audit.>"}
			c.DenyDelete, c.DenyPurge = true, true
			c.Discard = jetstream.DiscardNew
			c.Duplicates = factWindow
		}},
		{streamPoll, 0, job("poll", 1, func(c *jetstream.StreamConfig) {
			c.Storage = jetstream.MemoryStorage
			c.MaxBytes = pollBytes
		})},
		{streamEval, 10, job("eval", laneDepth, func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject = true })},
		{streamActions, 10, job("action", 1, nil)},
		{streamNotify, 10, job("notify", 1, nil)},
		{streamDLQ, 10, func(c *jetstream.StreamConfig) {
			c.Subjects = []string{s.o.Prefix + ".dlq.>"}
			c.MaxAge = dlqAge
			c.Duplicates = jobWindow
		}},
	}
}

func (s *Stream) bucketPlans() []plan {
	expiring := func(c *jetstream.StreamConfig) { c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = true, markerTTL }
	return []plan{
		{"watch", 40, nil}, {"inventory", 90, nil}, {"history", 30, nil}, {"facts", 10, nil}, {"findings", 70, nil},
		{"actions", 30, nil}, {"waivers", 10, nil}, {"control", 7, nil}, {"replays", 3, nil}, {"deliveries", 5, nil}, {"cards", 20, nil},
		{bucketLocks, 5, expiring}, {bucketTokens, 5, expiring}, {bucketPeople, 5, nil},
	}
}

func (s *Stream) bucketName(name string) string { return s.o.Prefix + "_" + name }
func (s *Stream) streamName(name string) string { return strings.ToUpper(s.o.Prefix) + "_" + name }

func (s *Stream) configs() []jetstream.StreamConfig {
	var all []jetstream.StreamConfig
	for _, p := range s.streamPlans() {
		all = append(all, s.config(s.streamName(p.name), p))
	}
	for _, p := range s.bucketPlans() {
		bucket := s.bucketName(p.name)
		c := s.config("KV_"+bucket, p)
		c.Subjects = []string{"$KV." + bucket + ".>", s.chunkSubject(bucket) + ">"}
		c.MaxMsgsPerSubject = 1
		c.Discard = jetstream.DiscardNew
		c.DenyDelete, c.AllowRollup = p.name != bucketPeople, true // as every KV bucket; of persons, rows are wiped out
		c.Duplicates = jobWindow
		all = append(all, c)
	}
	return all
}

func (s *Stream) config(name string, p plan) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:              name,
		MaxBytes:          s.o.StoreBytes * p.share / 1000,
		Replicas:          s.o.Replicas,
		MaxConsumers:      -1,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: -1,
		MaxMsgSize:        -1,
		Metadata:          map[string]string{layoutKey: strconv.Itoa(Layout)},
	}
	if p.config != nil {
		p.config(&c)
	}
	return c
}

// assert brings one stream to its layout and its limits, and says what it did.
func (s *Stream) assert(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, Did, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	did := Kept
	have, err := s.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		did = Created
		have, err = s.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another replica was faster
			did = Kept
			have, err = s.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, "", s.trouble("set up stream "+want.Name, err)
	}
	next, err := migrate(have.CachedInfo().Config, want)
	if err != nil || next == nil {
		return have, did, err
	}
	if have, err = s.js.UpdateStream(ctx, *next); err != nil {
		return nil, "", s.trouble("update stream "+want.Name, err)
	}
	return have, Updated, nil
}

// expect looks whether a stream is there and of this layout. Its limits are Bootstrap's.
func (s *Stream) expect(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	have, err := s.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("stream %s is missing: run gatewarden bootstrap", want.Name)
	}
	if err != nil {
		return nil, s.trouble("look at stream "+want.Name, err)
	}
	config := have.CachedInfo().Config
	layout, err := layoutOf(config)
	if err != nil {
		return nil, err
	}
	if layout < Layout {
		return nil, fmt.Errorf("stream %s has layout %d and this version needs %d: run gatewarden bootstrap of this version", want.Name, layout, Layout)
	}
	return have, fixed(config, want)
}

// layoutOf is the layout of a stream, one that this version knows.
func layoutOf(have jetstream.StreamConfig) (int, error) {
	text, ours := have.Metadata[layoutKey]
	layout, err := strconv.Atoi(text)
	if !ours || err != nil {
		return 0, fmt.Errorf("stream %s exists and is not Gatewarden's (no %s in its metadata): choose another nats prefix, or remove that stream", have.Name, layoutKey)
	}
	if layout > Layout {
		return 0, fmt.Errorf("stream %s has layout %d and this version knows up to %d: a newer version set it up; run that one, or restore a backup from before the upgrade", have.Name, layout, Layout)
	}
	return layout, nil
}

// fixed refuses what no update can change.
func fixed(have, want jetstream.StreamConfig) error {
	if have.Retention != want.Retention || have.Storage != want.Storage {
		return fmt.Errorf("stream %s has retention %v on %v and should have %v on %v, which cannot be changed: move it aside and start again", have.Name, have.Retention, have.Storage, want.Retention, want.Storage)
	}
	return nil
}

// migrate is the config that have should become, nil if it is right as it is. Of the same
// layout only the limits follow the options: an old replica must not undo a new one.
func migrate(have, want jetstream.StreamConfig) (*jetstream.StreamConfig, error) {
	layout, err := layoutOf(have)
	if err == nil {
		err = fixed(have, want)
	}
	if err != nil {
		return nil, err
	}
	if layout < Layout {
		want.Metadata = maps.Clone(want.Metadata)
		return &want, nil
	}
	if have.MaxBytes == want.MaxBytes && have.MaxAge == want.MaxAge && have.Replicas == want.Replicas {
		return nil, nil
	}
	have.MaxBytes, have.MaxAge, have.Replicas = want.MaxBytes, want.MaxAge, want.Replicas
	have.Duplicates = want.Duplicates
	return &have, nil
}
