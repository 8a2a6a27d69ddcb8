package stream

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Partitions is the number of rules lanes. Changing it needs the lanes drained.
const Partitions = 16

// Partition is the lane of a scope.
func Partition(scope access.Scope) int {
	h := fnv.New32a()
	h.Write([]byte(scope))
	return int(h.Sum32() % Partitions)
}

// route is where the messages of a topic go.
type route struct {
	stream      string
	partitioned bool
	scoped      bool // the subject has the scope
	keys        int  // further tokens
	queue       bool // a work queue, not a fact
}

func routeOf(t access.Topic) (route, error) {
	switch t {
	case access.TopicEvent:
		return route{stream: streamEvents, scoped: true}, nil
	case access.TopicChange:
		return route{stream: streamChanges, partitioned: true, scoped: true, keys: 1}, nil
	case access.TopicFinding:
		return route{stream: streamFindings, scoped: true}, nil
	case access.TopicDecision:
		return route{stream: streamDecisions, scoped: true, keys: 1}, nil
	case access.TopicCommand:
		return route{stream: streamCommands, scoped: true}, nil
	case access.TopicPoll:
		return route{stream: streamPoll, scoped: true, queue: true}, nil
	case access.TopicEval:
		return route{stream: streamEval, partitioned: true, scoped: true, queue: true}, nil
	case access.TopicAction:
		return route{stream: streamActions, keys: 1, queue: true}, nil
	case access.TopicNotify:
		return route{stream: streamNotify, keys: 2, queue: true}, nil
	}
	return route{}, fmt.Errorf("stream: there is no topic %q", t)
}

// subject is the subject of a message, or what is wrong with the message.
func (s *Stream) subject(out access.Out) (string, error) {
	r, err := routeOf(out.Topic)
	if err != nil {
		return "", err
	}
	tokens := []string{s.o.Prefix, string(out.Topic)}
	if r.partitioned {
		tokens = append(tokens, strconv.Itoa(Partition(out.Scope)))
	}
	if r.scoped {
		level, id, _ := strings.Cut(string(out.Scope), ".")
		if !plainToken(level) || !plainToken(id) {
			return "", fmt.Errorf("stream: a message of topic %s has the scope %q: want <level>.<id>", out.Topic, out.Scope)
		}
		tokens = append(tokens, level, id)
	}
	if len(out.Keys) != r.keys {
		return "", fmt.Errorf("stream: a message of topic %s has %d keys and needs %d", out.Topic, len(out.Keys), r.keys)
	}
	for _, key := range out.Keys {
		if key == "" {
			return "", fmt.Errorf("stream: a message of topic %s has an empty key", out.Topic)
		}
		tokens = append(tokens, escape(key))
	}
	return strings.Join(tokens, "."), nil
}

func (s *Stream) chunkSubject(bucket string) string { return s.o.Prefix + ".chunk." + bucket + "." }

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_=/:@+", c) >= 0
}

func plainToken(t string) bool { return t != "" && escape(t) == t }

// escape makes a subject token of any text: what is not plain becomes %XX.
func escape(key string) string {
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
