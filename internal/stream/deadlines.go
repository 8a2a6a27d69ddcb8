package stream

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// lookAgain bounds one wait, so that a step of the wall clock delays a deadline by at most that.
const lookAgain = time.Minute

// Deadlines is a set of keys, each with a time at which it fires once. It is only a clock: what is
// due is decided by the state in KV, from which it is fed ([KV.Watch]).
type Deadlines struct {
	log  *zap.Logger
	wake chan struct{}

	mu    sync.Mutex
	queue deadlineQueue
	index map[string]*deadline
}

type deadline struct {
	key string
	at  time.Time
	pos int // in the queue
}

// NewDeadlines makes an empty set.
func NewDeadlines(log *zap.Logger) *Deadlines {
	if log == nil {
		log = zap.NewNop()
	}
	return &Deadlines{log: log, wake: make(chan struct{}, 1), index: make(map[string]*deadline)}
}

// Set makes the key fire at a time, in the place of any other; a zero time takes it out.
func (d *Deadlines) Set(key string, at time.Time) {
	d.mu.Lock()
	item, known := d.index[key]
	switch {
	case at.IsZero() && known:
		heap.Remove(&d.queue, item.pos)
		delete(d.index, key)
	case at.IsZero():
	case known:
		item.at = at
		heap.Fix(&d.queue, item.pos)
	default:
		item = &deadline{key: key, at: at}
		d.index[key] = item
		heap.Push(&d.queue, item)
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default: // it is awake already, and will look
	}
}

// Run fires the keys, one at a time and in the order of their times, until ctx ends. One whose time
// has passed fires at once. fire must not take long, since the others wait; it may call Set.
func (d *Deadlines) Run(ctx context.Context, fire func(ctx context.Context, key string)) {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	for ctx.Err() == nil {
		key, wait := d.due(time.Now())
		if wait <= 0 {
			d.log.Debug("a deadline is due", zap.String("key", key))
			fire(ctx, key)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-d.wake:
		case <-ctx.Done():
		}
	}
}

// due takes out the first key if its time has come, and says otherwise how long to wait.
func (d *Deadlines) due(now time.Time) (key string, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return "", lookAgain
	}
	first := d.queue[0]
	if wait := first.at.Sub(now); wait > 0 {
		return "", min(wait, lookAgain)
	}
	heap.Pop(&d.queue)
	delete(d.index, first.key)
	return first.key, 0
}

// deadlineQueue is a heap by time, then key.
type deadlineQueue []*deadline

func (q deadlineQueue) Len() int { return len(q) }
func (q deadlineQueue) Less(i, j int) bool {
	return cmp.Or(q[i].at.Compare(q[j].at), cmp.Compare(q[i].key, q[j].key)) < 0
}
func (q deadlineQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}
func (q *deadlineQueue) Push(x any) {
	item := x.(*deadline)
	item.pos = len(*q)
	*q = append(*q, item)
}
func (q *deadlineQueue) Pop() any {
	old := *q
	item := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return item
}
