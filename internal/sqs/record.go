package sqs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/queue"
)

// record is what is stored of a queue beside the engine's settings.
type record struct {
	Created  int64 `json:"created"` // seconds since 1970
	Modified int64 `json:"modified"`
	// Attributes are those that were set, in the form in which they are read back.
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// entry is a queue in memory. It is never changed, only replaced.
type entry struct {
	record

	name           queue.Name
	arn            string
	fifo           bool
	policyRevision int64
	redrive        *redrivePolicy // nil when it has none
	allows         redriveAllow
	sizeMax        int
	wait           time.Duration
}

// newEntry takes a record's attributes apart; they were valid when they were stored.
func newEntry(name queue.Name, rec record) *entry {
	e := &entry{record: rec, name: name, arn: arnOf(name)}
	e.fifo = e.get(types.QueueAttributeNameFifoQueue) == "true"
	e.sizeMax = e.number(types.QueueAttributeNameMaximumMessageSize)
	e.wait = e.seconds(types.QueueAttributeNameReceiveMessageWaitTimeSeconds)
	if text := e.get(types.QueueAttributeNameRedrivePolicy); text != "" {
		e.redrive, _ = parseRedrive(text)
	}
	e.allows, _ = parseAllow(e.get(types.QueueAttributeNameRedriveAllowPolicy))
	if text := e.policy(); text != "" {
		sum := sha256.Sum256([]byte(text))
		e.policyRevision = int64(binary.BigEndian.Uint64(sum[:]))
	}
	return e
}

// get is an attribute as it is set, or its default.
func (e *entry) get(name types.QueueAttributeName) string {
	if v, ok := e.Attributes[string(name)]; ok {
		return v
	}
	if a, ok := settable[name]; ok && (e.fifo || !a.fifo) {
		return a.standard
	}
	return ""
}

func (e *entry) policy() string { return e.Attributes[string(types.QueueAttributeNamePolicy)] }

func (e *entry) number(name types.QueueAttributeName) int {
	n, _ := strconv.Atoi(e.get(name)) // it was checked
	return n
}

func (e *entry) seconds(name types.QueueAttributeName) time.Duration {
	return time.Duration(e.number(name)) * time.Second
}

// settings are what the engine is told.
func (e *entry) settings() (queue.Settings, error) {
	meta, err := json.Marshal(e.record)
	if err != nil {
		return queue.Settings{}, fmt.Errorf("encode queue %s: %w", e.name.Name, err)
	}
	s := queue.Settings{
		FIFO:          e.fifo,
		DedupPerGroup: e.get(types.QueueAttributeNameDeduplicationScope) == scopeGroup,
		Delay:         e.seconds(types.QueueAttributeNameDelaySeconds),
		Visibility:    e.seconds(types.QueueAttributeNameVisibilityTimeout),
		Retention:     e.seconds(types.QueueAttributeNameMessageRetentionPeriod),
		Meta:          meta,
	}
	if e.redrive != nil {
		s.MaxReceives, s.DeadLetter = e.redrive.MaxReceives, e.redrive.target
	}
	return s, nil
}

// clone is a record that can be changed.
func (r record) clone() record {
	r.Attributes, r.Tags = maps.Clone(r.Attributes), maps.Clone(r.Tags)
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
	return r
}
