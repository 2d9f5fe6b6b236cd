package sns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// topicRecord is a topic as it is stored, under its ARN.
type topicRecord struct {
	// ID names the topic's queue, so that a topic of the same name that comes later
	// has another one.
	ID         string            `json:"id"`
	FIFO       bool              `json:"fifo,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // those that were set, by AWS's names
	Tags       map[string]string `json:"tags,omitempty"`
	// Deleted counts the subscriptions that are gone.
	Deleted int `json:"deleted,omitempty"`
}

// subscriptionRecord is a subscription as it is stored, under its ARN.
type subscriptionRecord struct {
	Protocol   string            `json:"protocol"`
	Endpoint   string            `json:"endpoint"`
	Owner      string            `json:"owner"`     // account
	Principal  string            `json:"principal"` // ARN of who subscribed
	Attributes map[string]string `json:"attributes,omitempty"`
	// Pending says that the endpoint has not confirmed yet; Token is what it is to
	// show, until Expires (milliseconds since 1970).
	Pending bool   `json:"pending,omitempty"`
	Token   string `json:"token,omitempty"`
	Expires int64  `json:"expires,omitempty"`
	// Removed says that somebody unsubscribed who did not sign: the endpoint may take
	// that back with its token. Nobody else sees the subscription any more.
	Removed bool `json:"removed,omitempty"`
	// Authenticated says that who confirmed had signed, Strict that who unsubscribes
	// must.
	Authenticated bool `json:"authenticated,omitempty"`
	Strict        bool `json:"strict,omitempty"`
}

// topic is a topic in memory. What it points to never changes but for subs.
type topic struct {
	topicKey
	arn      string
	record   topicRecord
	revision int64
	policy   topicDelivery // of deliveries over HTTP
	subs     map[string]*subscription
}

// subscription is a subscription in memory. It is replaced, never changed.
type subscription struct {
	arn      string
	id       string // the last part of the ARN; names its queue
	topic    *topic
	record   subscriptionRecord
	filter   *filter // nil lets everything through
	delivery subscriptionDelivery
	// deadLetter is a queue's ARN, or empty.
	deadLetter string
}

func (s *subscription) raw() bool { return s.record.Attributes[attrRaw] == "true" }

// listed says that the subscription exists for those who ask.
func (s *subscription) listed() bool { return !s.record.Removed }

// confirmed says that it gets messages.
func (s *subscription) confirmed() bool { return !s.record.Pending && !s.record.Removed }

// index is all that there is, by ARN.
type index struct {
	topics map[string]*topic
	counts map[topicKey]count // by account and region; the name is empty
	byID   map[string]*topic
	subs   map[string]*subscription
	subID  map[string]*subscription
}

// count is how many topics there are.
type count struct{ all, fifo int }

func newIndex() index {
	return index{
		topics: map[string]*topic{}, counts: map[topicKey]count{}, byID: map[string]*topic{},
		subs: map[string]*subscription{}, subID: map[string]*subscription{},
	}
}

const (
	topicKind        = "sns-topic"
	subscriptionKind = "sns"
)

func (t *topic) queue() queue.Name {
	return queue.Name{Account: t.account, Region: t.region, Kind: topicKind, Name: t.record.ID}
}

func (s *subscription) queue() queue.Name {
	return queue.Name{Account: s.topic.account, Region: s.topic.region, Kind: subscriptionKind, Name: s.id}
}

// owned says whether a queue's topic or subscription exists.
func (s *Service) owned(name queue.Name) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if name.Kind == topicKind {
		return s.index.byID[name.Name] != nil
	}
	return s.index.subID[name.Name] != nil
}

func (s *Service) load(ctx context.Context) error {
	for row, err := range s.topics.All(ctx, "") {
		if err != nil {
			return err
		}
		t, err := newTopic(row.Key, row.Value, row.Revision)
		if err != nil {
			return err
		}
		s.index.putTopic(t)
	}
	for row, err := range s.subs.All(ctx, "") {
		if err != nil {
			return err
		}
		arn, _ := topicOfSubscription(row.Key)
		t := s.index.topics[arn]
		if t == nil {
			return fmt.Errorf("subscription %s has no topic", row.Key)
		}
		sub, err := newSubscription(t, row.Key, row.Value)
		if err != nil {
			return err
		}
		s.index.putSubscription(sub)
	}
	return nil
}

func newTopic(arn string, rec topicRecord, revision int64) (*topic, error) {
	k, ok := parseTopic(arn)
	if !ok {
		return nil, fmt.Errorf("%q is no topic", arn)
	}
	t := &topic{topicKey: k, arn: arn, record: rec, revision: revision, subs: map[string]*subscription{}}
	var err error
	if t.policy, err = parseTopicDelivery(rec.Attributes[attrDeliveryPolicy]); err != nil {
		return nil, fmt.Errorf("topic %s: %w", arn, err)
	}
	return t, nil
}

func newSubscription(t *topic, arn string, rec subscriptionRecord) (*subscription, error) {
	sub := &subscription{arn: arn, id: arn[strings.LastIndexByte(arn, ':')+1:], topic: t, record: rec}
	var err error
	if sub.filter, err = compileFilter(rec.Attributes[attrFilterScope], rec.Attributes[attrFilterPolicy]); err != nil {
		return nil, fmt.Errorf("subscription %s: %w", arn, err)
	}
	if sub.deadLetter, err = parseRedrive(rec.Attributes[attrRedrive]); err != nil {
		return nil, fmt.Errorf("subscription %s: %w", arn, err)
	}
	if sub.delivery, err = parseSubscriptionDelivery(rec.Attributes[attrDeliveryPolicy]); err != nil {
		return nil, fmt.Errorf("subscription %s: %w", arn, err)
	}
	return sub, nil
}

func (x *index) putTopic(t *topic) {
	if old := x.topics[t.arn]; old != nil {
		t.subs = old.subs
		for arn, sub := range t.subs {
			moved := *sub
			moved.topic = t
			t.subs[arn], x.subs[arn], x.subID[moved.id] = &moved, &moved, &moved
		}
	} else {
		x.count(t, 1)
	}
	x.topics[t.arn], x.byID[t.record.ID] = t, t
}

func (x *index) count(t *topic, n int) {
	k := topicKey{account: t.account, region: t.region}
	c := x.counts[k]
	c.all += n
	if t.record.FIFO {
		c.fifo += n
	}
	if x.counts[k] = c; c.all == 0 {
		delete(x.counts, k)
	}
}

func (x *index) putSubscription(sub *subscription) {
	x.subs[sub.arn], x.subID[sub.id], sub.topic.subs[sub.arn] = sub, sub, sub
}

func (x *index) dropSubscription(sub *subscription) {
	delete(x.subs, sub.arn)
	delete(x.subID, sub.id)
	delete(sub.topic.subs, sub.arn)
}

func (x *index) dropTopic(t *topic) {
	x.count(t, -1)
	for _, sub := range t.subs {
		delete(x.subs, sub.arn)
		delete(x.subID, sub.id)
	}
	delete(x.topics, t.arn)
	delete(x.byID, t.record.ID)
}

// topic finds a topic by its ARN.
func (s *Service) topic(arn string) (*topic, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.index.topics[arn]; t != nil {
		return t, nil
	}
	return nil, errNoTopic
}

// subscription finds a subscription that is not removed by its ARN.
func (s *Service) subscription(arn string) (*subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sub := s.index.subs[arn]; sub != nil && sub.listed() {
		return sub, nil
	}
	return nil, errNoSubscription
}

// subscriptionByID finds what a queue is for, and its topic as it is now.
func (s *Service) subscriptionByID(id string) (*subscription, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sub := s.index.subID[id]
	return sub, sub != nil
}

// subscriptionsOf is a topic's subscriptions at this moment, in the order of their ARNs.
func (s *Service) subscriptionsOf(t *topic) []*subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := slices.Collect(maps.Values(t.subs))
	slices.SortFunc(out, func(a, b *subscription) int { return strings.Compare(a.arn, b.arn) })
	return out
}

// changeTopic lets change edit a topic's record and stores it.
func (s *Service) changeTopic(ctx context.Context, arn string, change func(*topic, *topicRecord) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	t, err := s.topic(arn)
	if err != nil {
		return err
	}
	rec := t.record
	rec.Attributes, rec.Tags = maps.Clone(rec.Attributes), maps.Clone(rec.Tags)
	if rec.Attributes == nil {
		rec.Attributes = map[string]string{}
	}
	if rec.Tags == nil {
		rec.Tags = map[string]string{}
	}
	if err := change(t, &rec); err != nil {
		return err
	}
	return s.storeTopic(ctx, arn, rec)
}

// storeTopic writes a topic; writing is held.
func (s *Service) storeTopic(ctx context.Context, arn string, rec topicRecord) error {
	changed, err := newTopic(arn, rec, 0)
	if err != nil {
		return err
	}
	if changed.revision, err = s.topics.Put(ctx, arn, rec, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.putTopic(changed)
	return nil
}

// changeSubscription lets change edit the record of a subscription, a removed one too,
// and stores it.
func (s *Service) changeSubscription(ctx context.Context, arn string, change func(*subscription, *subscriptionRecord) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	sub := s.index.subs[arn]
	s.mu.RUnlock()
	if sub == nil {
		return errNoSubscription
	}
	rec := sub.record
	if rec.Attributes = maps.Clone(rec.Attributes); rec.Attributes == nil {
		rec.Attributes = map[string]string{}
	}
	if err := change(sub, &rec); err != nil {
		return err
	}
	return s.storeSubscription(ctx, sub.topic, arn, rec)
}

// storeSubscription writes a subscription; writing is held.
func (s *Service) storeSubscription(ctx context.Context, t *topic, arn string, rec subscriptionRecord) error {
	changed, err := newSubscription(t, arn, rec)
	if err != nil {
		return err
	}
	if _, err := s.subs.Put(ctx, arn, rec, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.putSubscription(changed)
	return nil
}

// removeSubscription deletes a subscription for good and counts it; writing is held.
func (s *Service) removeSubscription(ctx context.Context, sub *subscription) error {
	rec := sub.topic.record
	rec.Deleted++
	counted, err := s.topics.PutChange(sub.topic.arn, rec, 0)
	if err != nil {
		return err
	}
	written, err := s.cfg.Store.Apply(ctx, s.subs.DeleteChange(sub.arn, 0), counted)
	if err != nil {
		return err
	}
	t, err := newTopic(sub.topic.arn, rec, written[1].Revision)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.index.dropSubscription(sub)
	s.index.putTopic(t)
	s.mu.Unlock()
	s.deleteQueue(ctx, sub.queue())
	return nil
}

// deleteQueue removes a queue whose owner is gone; what fails is done at the next
// start.
func (s *Service) deleteQueue(ctx context.Context, name queue.Name) {
	err := s.cfg.Queue.Delete(context.WithoutCancel(ctx), name)
	if err != nil && !errors.Is(err, queue.ErrNoQueue) {
		s.cfg.Log.ErrorContext(ctx, "removing the queue of a subscription or topic", "queue", name.Name, "error", err)
	}
}

// sweep deletes what nobody confirmed in time.
func (s *Service) sweep(ctx context.Context) {
	now := s.cfg.Now().UnixMilli()
	s.mu.RLock()
	var late []string
	for arn, sub := range s.index.subs {
		if !sub.confirmed() && sub.record.Expires <= now {
			late = append(late, arn)
		}
	}
	s.mu.RUnlock()
	for _, arn := range late {
		if err := s.expire(ctx, arn, now); err != nil {
			s.cfg.Log.ErrorContext(ctx, "removing a subscription that nobody confirmed", "subscription_arn", arn, "error", err)
			return
		}
	}
}

func (s *Service) expire(ctx context.Context, arn string, now int64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	sub := s.index.subs[arn]
	s.mu.RUnlock()
	if sub == nil || sub.confirmed() || sub.record.Expires > now {
		return nil
	}
	return s.removeSubscription(ctx, sub)
}

// Policy shows identity a topic's policy, the one that AWS gives to topics without
// one included.
func (s *Service) Policy(arn string) (revision int64, document func() string, ok bool) {
	t, err := s.topic(arn)
	if err != nil {
		return 0, nil, false
	}
	return t.revision, t.policyDocument, true
}

// TagsAt are the tags of a topic, for identity.
func (s *Service) TagsAt(arn string) map[string]string {
	if t, err := s.topic(arn); err == nil {
		return t.record.Tags
	}
	return nil
}

// tokenLife is how long a confirmation token is good for (API reference, Subscribe:
// "Confirmation tokens are valid for two days").
const tokenLife = 48 * time.Hour

// newToken is a confirmation token: hex digits that nobody can guess, as AWS's are.
func newToken() string {
	return strings.ReplaceAll(lambda.NewUUID()+lambda.NewUUID()+lambda.NewUUID(), "-", "")
}
