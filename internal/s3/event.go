package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// EventBridge stands in Event.Destination for the account's default event bus.
const EventBridge = "eventbridge"

// Event is one change of an object for one destination.
type Event struct {
	// ID is unique; an event that is offered again keeps it.
	ID string `json:"-"`
	// Destination is the ARN of a function, a queue or a topic, or EventBridge.
	Destination string    `json:"destination"`
	ConfigID    string    `json:"config,omitempty"`
	Name        string    `json:"name"` // "ObjectCreated:Put"
	Time        time.Time `json:"time"`
	Region      string    `json:"region"`
	Account     string    `json:"account"` // of the bucket
	Bucket      string    `json:"bucket"`
	Key         string    `json:"key"`
	Version     string    `json:"version,omitempty"` // only with versioning
	Size        int64     `json:"size"`
	ETag        string    `json:"etag,omitempty"`
	// Sequencer orders the events of one key, as text.
	Sequencer string `json:"sequencer"`
	Principal string `json:"principal"`
	// Requester is the account of the principal, or the service that acted by itself.
	Requester string `json:"requester,omitempty"`
	SourceIP  string `json:"source_ip"`
	RequestID string `json:"request_id"`
}

// Removed says that the event is about an object that is gone.
func (e *Event) Removed() bool {
	return strings.HasPrefix(e.Name, "ObjectRemoved:") || strings.HasPrefix(e.Name, "LifecycleExpiration:")
}

// Payload is the message that AWS sends to functions, queues and topics (S3 user
// guide, "Event message structure").
func (e *Event) Payload() ([]byte, error) {
	object := map[string]any{"key": url.QueryEscape(e.Key), "sequencer": e.Sequencer}
	if !e.Removed() {
		object["size"], object["eTag"] = e.Size, e.ETag
	}
	if e.Version != "" {
		object["versionId"] = e.Version
	}
	version := "2.1"
	if !strings.HasPrefix(e.Name, "ObjectCreated:") && !strings.HasPrefix(e.Name, "ObjectRemoved:") {
		version = "2.3"
	}
	record := map[string]any{
		"eventVersion": version, "eventSource": "aws:s3", "awsRegion": e.Region,
		"eventTime": e.Time.UTC().Format("2006-01-02T15:04:05.000Z"), "eventName": e.Name,
		"userIdentity":      map[string]any{"principalId": e.Principal},
		"requestParameters": map[string]any{"sourceIPAddress": e.SourceIP},
		"responseElements":  map[string]any{"x-amz-request-id": e.RequestID, "x-amz-id-2": hostID(e.RequestID)},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": e.ConfigID,
			"bucket": map[string]any{
				"name": e.Bucket, "ownerIdentity": map[string]any{"principalId": ownerID(e.Account)}, "arn": "arn:aws:s3:::" + e.Bucket,
			},
			"object": object,
		},
	}
	return encodeJSON(map[string]any{"Records": []any{record}})
}

// testMessage is what a queue or a topic gets when a bucket is told of it (S3 user
// guide, "Event message structure").
func (c *call) testMessage() ([]byte, error) {
	return encodeJSON(struct{ Service, Event, Time, Bucket, RequestId, HostId string }{
		"Amazon S3", "s3:TestEvent", c.s.now().UTC().Format("2006-01-02T15:04:05.000Z"), c.bucket, c.id, hostID(c.id),
	})
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// notifier makes the notifications of a change that this request does.
func (c *call) notifier(name string) func(index.Object) [][]byte {
	return c.s.notifier(c.rec, name, Event{
		Principal: principalID(c.caller), Requester: c.caller.Account, SourceIP: c.caller.SourceIP, RequestID: c.id,
	})
}

func principalID(c lambda.Caller) string {
	if anonymous(c) {
		return "Anonymous"
	}
	return "AWS:" + c.UserID
}

// notifier makes the notifications of a change in a bucket; about carries who did it.
func (s *Service) notifier(rec *index.Bucket, name string, about Event) func(index.Object) [][]byte {
	return func(o index.Object) [][]byte {
		text := rec.Documents["notification"]
		if s.cfg.Events == nil || text == "" {
			return nil
		}
		var n notification
		if err := parseNotification([]byte(text), &n); err != nil {
			return nil // it was checked when it was put
		}
		e := about
		e.Name, e.Time, e.Region, e.Account, e.Bucket, e.Key = name, s.now().UTC(), rec.Region, rec.Account, rec.Name, o.Key
		e.Size, e.ETag, e.Sequencer = o.Size, o.ETag, fmt.Sprintf("%016X", o.Seq)
		if rec.Versioning != index.Off {
			e.Version = o.Version
		}
		var out [][]byte
		add := func(destination, id string) {
			e.Destination, e.ConfigID = destination, id
			if doc, err := encodeJSON(e); err == nil {
				out = append(out, doc)
			}
		}
		for _, t := range n.all() {
			if t.wants(name, o.Key) {
				add(t.arn(), t.ID)
			}
		}
		if n.EventBridge != nil {
			add(EventBridge, "")
		}
		return out
	}
}

// wants says whether the target is to be told of an event of a key.
func (t *notifyTarget) wants(name, key string) bool {
	prefix, suffix := t.affixes()
	if !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, suffix) {
		return false
	}
	for _, asked := range t.Events {
		if wants(asked, name) {
			return true
		}
	}
	return false
}

const (
	// noticesPage is how many notifications are offered between two looks at new ones.
	noticesPage = 100
	// The pauses after a round in which a destination did not take its event.
	retryMin, retryMax = time.Second, time.Minute
)

// deliver offers notifications until ctx ends. A destination that does not take
// its event does not keep others waiting.
func (s *Service) deliver(ctx context.Context) error {
	pause := retryMin
	for {
		left, err := s.offerAll(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "notifications are not delivered", "error", err)
		}
		var again <-chan time.Time
		if left || err != nil {
			again, pause = time.After(pause), min(2*pause, retryMax)
		} else {
			pause = retryMin
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.index.Noticed():
		case <-again:
		}
	}
}

// offerAll offers every notification once; left says that some were not taken.
func (s *Service) offerAll(ctx context.Context) (left bool, err error) {
	after := ""
	for {
		page, err := s.index.Notices(ctx, after, noticesPage)
		if err != nil || len(page) == 0 {
			return left, err
		}
		var taken []string
		for _, n := range page {
			after = n.ID
			if s.offer(ctx, n) {
				taken = append(taken, n.ID)
			} else {
				left = true
			}
		}
		if len(taken) > 0 {
			// What was taken is forgotten even when we are stopping.
			if err := s.index.Delivered(context.WithoutCancel(ctx), taken...); err != nil {
				return left, err
			}
		}
	}
}

func (s *Service) offer(ctx context.Context, n index.Notice) (taken bool) {
	e := Event{ID: n.ID}
	if err := json.Unmarshal(n.Document, &e); err != nil {
		s.log.ErrorContext(ctx, "a notification is damaged and is dropped", "notification_id", n.ID, "error", err)
		return true
	}
	if err := s.cfg.Events(ctx, e); err != nil {
		s.log.WarnContext(ctx, "a notification was not taken", "bucket", e.Bucket, "destination", e.Destination, "error", err)
		return false
	}
	return true
}
