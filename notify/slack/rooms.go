package slack

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/notify"
)

const (
	roomsFor    = 10 * time.Minute // what is known of a channel is believed
	manyPages   = 50               // of channels that are looked through
	channelPage = 1000
)

// rooms knows channels: their ids by the names that the routes use, and whether strangers read them.
type rooms struct {
	c    *Client
	isID *regexp.Regexp

	mu    sync.Mutex
	ids   map[string]string // by name
	infos map[string]room   // by id
}

type room struct {
	name     string
	shared   bool // with another workspace
	archived bool
	member   bool // we are
	at       time.Time
}

func newRooms(c *Client) *rooms {
	return &rooms{c: c, isID: regexp.MustCompile(`^[CGD][A-Z0-9]{4,}$`), ids: map[string]string{}, infos: map[string]room{}}
}

// id is the id of a channel that the routes name by id or name.
func (r *rooms) id(ctx context.Context, name string) (string, error) {
	name = strings.TrimPrefix(name, "#")
	if r.isID.MatchString(name) {
		return name, nil
	}
	r.mu.Lock()
	id := r.ids[name]
	r.mu.Unlock()
	if id != "" {
		return id, nil
	}
	if err := r.list(ctx, name); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id = r.ids[name]; id == "" {
		r.c.health.Raise(WrongChannel, name, "no channel of this name can be seen: create it, or invite the app into it if it is private, or correct the name in routes")
		return "", fmt.Errorf("post to %s: there is no channel of this name that the app can see: %w", name, notify.ErrNoPlace)
	}
	return id, nil
}

// list looks through the channels for one.
func (r *rooms) list(ctx context.Context, name string) error {
	params := &slackgo.GetConversationsParameters{Limit: channelPage, Types: []string{"public_channel", "private_channel"}}
	for range manyPages {
		var page []slackgo.Channel
		var next string
		err := r.c.call(ctx, "conversations.list", "", "look for the channel "+name, func(ctx context.Context) (err error) {
			page, next, err = r.c.api.GetConversationsContext(ctx, params)
			return err
		})
		if err != nil {
			return err
		}
		found := false
		r.mu.Lock()
		for _, ch := range page {
			r.ids[ch.Name] = ch.ID
			found = found || ch.Name == name
		}
		r.mu.Unlock()
		if found || next == "" {
			return nil
		}
		params.Cursor = next
	}
	return nil
}

// judge takes note of what a post into a channel said of it.
func (r *rooms) judge(name string, err error) {
	name = strings.TrimPrefix(name, "#")
	says := map[string]string{
		"channel_not_found": "Slack does not know the channel, or the app may not see it: correct it in routes, or invite the app into it",
		"not_in_channel":    "the app is not a member of the channel: invite it there",
		"is_archived":       "the channel is archived: unarchive it, or name another one in routes",
	}[codeOf(err)]
	switch {
	case err == nil:
		r.c.health.Clear(WrongChannel, name)
		return
	case says == "" && strings.HasPrefix(codeOf(err), "restricted_action"):
		says = "the workspace does not let apps post into the channel: have an administrator allow it"
	}
	if says == "" {
		return
	}
	r.c.health.Raise(WrongChannel, name, says)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, name) // it may be another one by now
}

// room is what is known of a channel.
func (r *rooms) room(ctx context.Context, id string) (room, error) {
	r.mu.Lock()
	known, ok := r.infos[id]
	r.mu.Unlock()
	if ok && time.Since(known.at) < roomsFor {
		return known, nil
	}
	var ch *slackgo.Channel
	err := r.c.call(ctx, "conversations.info", "", "look at the channel "+id, func(ctx context.Context) (err error) {
		ch, err = r.c.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: id})
		return err
	})
	if err != nil {
		return room{}, err
	}
	now := room{name: ch.Name, shared: ch.IsExtShared || ch.IsPendingExtShared, archived: ch.IsArchived, member: ch.IsMember, at: time.Now()}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.infos) >= manyChannels {
		clear(r.infos)
	}
	r.infos[id] = now
	return now, nil
}

// ours reports whether a channel is one that the routes name.
func (r *rooms) ours(ctx context.Context, id string) (bool, error) {
	for _, name := range r.c.o.Channels() {
		is, err := r.id(ctx, name)
		if is == id {
			return true, nil
		}
		if err != nil && temporary(err) {
			return false, err
		}
	}
	return false, nil
}
