package sqs

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// queuesMax bounds the queues of a node, which all have a place in memory; AWS
	// sets no bound.
	queuesMax = 100_000
	// listMax is the most queues of one answer (API reference, ListQueues).
	listMax = 1000
	// purgePause is how long after a purge the next may come (API reference,
	// PurgeQueue).
	purgePause = time.Minute
)

func byName(a, b *entry) int { return strings.Compare(a.name.Name, b.name.Name) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// open is the queue that a request names by its URL.
func (s *Service) open(ctx context.Context, url *string) (*entry, error) {
	if url == nil || *url == "" {
		return nil, missing("QueueUrl")
	}
	name, ok := parseURL(lambda.CallerFrom(ctx), *url)
	if !ok {
		return nil, lambda.Errorf(codeAddress, "The address %s is not valid for this endpoint.", *url)
	}
	e, ok := s.find(name)
	if !ok {
		return nil, errNoQueue
	}
	return e, nil
}

// openOwn is open for operations that no policy opens to other accounts (developer
// guide, "Cross-account permissions don't apply to…").
func (s *Service) openOwn(ctx context.Context, url *string) (*entry, error) {
	e, err := s.open(ctx, url)
	if err != nil {
		return nil, err
	}
	if e.name.Account != lambda.CallerFrom(ctx).Account {
		return nil, errNotOwn(*url)
	}
	return e, nil
}

func (s *Service) createQueue(ctx context.Context, in *sqs.CreateQueueInput) (*sqs.CreateQueueOutput, error) {
	c := lambda.CallerFrom(ctx)
	if in.QueueName == nil {
		return nil, missing("QueueName")
	}
	fifo := in.Attributes[string(types.QueueAttributeNameFifoQueue)] == "true"
	if err := checkName(*in.QueueName, fifo); err != nil {
		return nil, err
	}
	name := queue.Name{Account: c.Account, Region: c.Region, Kind: kind, Name: *in.QueueName}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.cfg.Allow(ctx, "sqs:TagQueue", arnOf(name), in); err != nil {
			return nil, err
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	now := s.cfg.Now().Unix()
	rec := record{Created: now, Modified: now, Tags: in.Tags}.clone()
	e, err := s.shape(name, rec, in.Attributes)
	if err != nil {
		return nil, err
	}
	if old, ok := s.find(name); ok {
		for _, attribute := range sortedKeys(in.Attributes) {
			if a := types.QueueAttributeName(attribute); old.get(a) != e.get(a) {
				return nil, lambda.Errorf(codeExists,
					"A queue already exists with the same name and a different value for attribute %s", attribute)
			}
		}
		return &sqs.CreateQueueOutput{QueueUrl: urlOf(c, name)}, nil
	}
	if s.count() >= queuesMax {
		return nil, lambda.Errorf(codeOverLimit, "This node has %d queues, the most it keeps.", queuesMax)
	}
	settings, err := e.settings()
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Queues.Create(ctx, name, settings); err != nil {
		return nil, shown(ctx, err)
	}
	s.put(e)
	return &sqs.CreateQueueOutput{QueueUrl: urlOf(c, name)}, nil
}

// shape makes a queue of a record and attributes that are to be set in it.
func (s *Service) shape(name queue.Name, rec record, attributes map[string]string) (*entry, error) {
	fifo := rec.Attributes[string(types.QueueAttributeNameFifoQueue)] == "true" ||
		attributes[string(types.QueueAttributeNameFifoQueue)] == "true"
	if err := apply(&rec, fifo, attributes); err != nil {
		return nil, err
	}
	e := newEntry(name, rec)
	if err := checkThroughput(e); err != nil {
		return nil, err
	}
	const policy, redrive, allow = string(types.QueueAttributeNamePolicy),
		string(types.QueueAttributeNameRedrivePolicy), string(types.QueueAttributeNameRedriveAllowPolicy)
	if text := attributes[policy]; text != "" {
		if err := s.checkPolicy(text); err != nil {
			return nil, err
		}
	}
	if text := attributes[allow]; text != "" {
		if err := checkAllow(text); err != nil {
			return nil, err
		}
	}
	if text := attributes[redrive]; text != "" {
		normal, err := s.checkRedrive(e, text)
		if err != nil {
			return nil, err
		}
		rec.Attributes[redrive] = normal
	}
	return newEntry(name, rec), nil
}

func (s *Service) put(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[e.name] = e
}

func (s *Service) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.queues)
}

// edit lets change edit a queue's record and stores it; everything else that follows
// from the record is worked out anew.
func (s *Service) edit(ctx context.Context, name queue.Name, change func(old *entry, rec record) (*entry, error)) error {
	s.change.Lock()
	defer s.change.Unlock()
	old, ok := s.find(name)
	if !ok {
		return errNoQueue
	}
	e, err := change(old, old.clone())
	if err != nil {
		return err
	}
	settings, err := e.settings()
	if err != nil {
		return err
	}
	if err := s.cfg.Queues.Configure(ctx, name, func(to *queue.Settings) { *to = settings }); err != nil {
		return shown(ctx, err)
	}
	s.put(e)
	return nil
}

func (s *Service) deleteQueue(ctx context.Context, in *sqs.DeleteQueueInput) (*sqs.DeleteQueueOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.cfg.Queues.Delete(ctx, e.name); err != nil {
		return nil, shown(ctx, err)
	}
	s.mu.Lock()
	delete(s.queues, e.name)
	delete(s.purged, e.name)
	s.mu.Unlock()
	return &sqs.DeleteQueueOutput{}, s.mover.forget(ctx, e.name)
}

func (s *Service) purgeQueue(ctx context.Context, in *sqs.PurgeQueueInput) (*sqs.PurgeQueueOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	now := s.cfg.Now()
	s.mu.Lock()
	for name, at := range s.purged {
		if now.Sub(at) >= purgePause || now.Before(at) {
			delete(s.purged, name)
		}
	}
	_, lately := s.purged[e.name]
	s.mu.Unlock()
	if lately {
		return nil, lambda.Errorf(codePurging, "Only one PurgeQueue operation on %s is allowed every 60 seconds.", e.name.Name)
	}
	if err := s.cfg.Queues.Purge(ctx, e.name); err != nil {
		return nil, shown(ctx, err)
	}
	s.mu.Lock()
	s.purged[e.name] = now
	s.mu.Unlock()
	return &sqs.PurgeQueueOutput{}, nil
}

func (s *Service) getQueueURL(ctx context.Context, in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) {
	c := lambda.CallerFrom(ctx)
	if in.QueueName == nil {
		return nil, missing("QueueName")
	}
	name := ownedName(c, in)
	if _, ok := s.find(name); !ok {
		return nil, errNoQueue
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: urlOf(c, name)}, nil
}

// ownedName is the queue that a GetQueueUrl asks for.
func ownedName(c lambda.Caller, in *sqs.GetQueueUrlInput) queue.Name {
	return queue.Name{
		Account: cmp.Or(aws.ToString(in.QueueOwnerAWSAccountId), c.Account), Region: c.Region,
		Kind: kind, Name: aws.ToString(in.QueueName),
	}
}

func (s *Service) listQueues(ctx context.Context, in *sqs.ListQueuesInput) (*sqs.ListQueuesOutput, error) {
	c := lambda.CallerFrom(ctx)
	prefix := aws.ToString(in.QueueNamePrefix)
	var found []*entry
	s.mu.RLock()
	for name, e := range s.queues {
		if name.Account == c.Account && name.Region == c.Region && strings.HasPrefix(name.Name, prefix) {
			found = append(found, e)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(found, byName)
	urls, next, err := page(c, found, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &sqs.ListQueuesOutput{QueueUrls: urls, NextToken: next}, nil
}

func (s *Service) listDeadLetterSourceQueues(ctx context.Context, in *sqs.ListDeadLetterSourceQueuesInput) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	urls, next, err := page(lambda.CallerFrom(ctx), s.sourcesOf(e.name), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if urls == nil {
		urls = []string{} // the member is always there
	}
	return &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: urls, NextToken: next}, nil
}

// page cuts one answer out of a list that is in order. Without MaxResults it is the
// first listMax, and nothing says that there are more, as at AWS.
func page(c lambda.Caller, found []*entry, most *int32, token *string) (urls []string, next *string, err error) {
	limit := listMax
	if most != nil {
		if *most < 1 || *most > listMax {
			return nil, nil, badParameter(*most, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
		limit = int(*most)
	}
	if token != nil && *token != "" {
		if most == nil {
			return nil, nil, invalidValue("MaxResults must be set to use NextToken.")
		}
		after, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil {
			return nil, nil, badParameter(*token, "NextToken", "Invalid or expired token.")
		}
		at, _ := slices.BinarySearchFunc(found, string(after)+"\x00", func(e *entry, name string) int { return strings.Compare(e.name.Name, name) })
		found = found[at:]
	}
	for _, e := range found[:min(limit, len(found))] {
		urls = append(urls, *urlOf(c, e.name))
	}
	if most != nil && len(found) > limit {
		next = aws.String(base64.RawURLEncoding.EncodeToString([]byte(found[limit-1].name.Name)))
	}
	return urls, next, nil
}
