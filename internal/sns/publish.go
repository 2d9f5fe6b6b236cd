package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// subjectMax bounds a subject in characters (API reference, Publish).
	subjectMax = 100
	// fifoIDMax bounds MessageGroupId and MessageDeduplicationId.
	fifoIDMax = 128
	// batchMax is how many messages a PublishBatch may have, batchIDMax how long their
	// ids may be.
	batchMax   = 10
	batchIDMax = 80
	// retention is longer than any delivery is tried: 23 days for a queue's.
	retention = 30 * 24 * time.Hour
)

// published is what is kept of a message beside its text.
type published struct {
	Subject    *string              `json:"subject,omitempty"`
	JSON       bool                 `json:"json,omitempty"` // a text for each protocol
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Group      string               `json:"group,omitempty"`
	DedupID    string               `json:"dedup,omitempty"`
}

// outgoing is a message that was checked.
type outgoing struct {
	published
	text string
}

func (o *outgoing) size() int { return len(o.text) + size(o.Attributes) }

// request is one message as it was asked for, by itself or in a batch.
type request struct {
	message, subject, structure, group, dedup *string
	attributes                                map[string]types.MessageAttributeValue
	attributesAt                              string // where they are in the request
}

func (s *Service) publish(ctx context.Context, in *awssns.PublishInput) (*awssns.PublishOutput, error) {
	if in.PhoneNumber != nil {
		return nil, lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not send SMS messages.")
	}
	t, err := s.publishTopic(ctx, in.TopicArn, in.TargetArn)
	if err != nil {
		return nil, err
	}
	out, err := t.check(&request{
		message: in.Message, subject: in.Subject, structure: in.MessageStructure, group: in.MessageGroupId,
		dedup: in.MessageDeduplicationId, attributes: in.MessageAttributes, attributesAt: "messageAttributes",
	})
	if err != nil {
		return nil, err
	}
	if out.size() > t.messageMax() {
		return nil, invalid("Message too long")
	}
	sent, err := s.accept(ctx, t, []outgoing{out})
	if err != nil {
		return nil, err
	}
	return &awssns.PublishOutput{MessageId: aws.String(sent[0].ID), SequenceNumber: sequence(t, sent[0])}, nil
}

// publishTopic is the topic that a request names in either of its members.
func (s *Service) publishTopic(ctx context.Context, topicARN, targetARN *string) (*topic, error) {
	member, arn := "TopicArn", topicARN
	if arn == nil {
		member, arn = "TargetArn", targetARN
	}
	if arn == nil {
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	if strings.Contains(*arn, ":endpoint/") {
		return nil, lambda.Errorf(lambda.CodeNotImplemented, "Hearth has no platform endpoints.")
	}
	k, err := checkTopicARN(lambda.CallerFrom(ctx), member, *arn)
	if err != nil {
		return nil, err
	}
	return s.topic(k.ARN())
}

// sequence is the number that a FIFO topic's message shows: twenty digits that grow
// with each message.
func sequence(t *topic, sent queue.Sent) *string {
	if !t.record.FIFO {
		return nil
	}
	return aws.String(sequenceNumber(sent.Sequence))
}

func sequenceNumber(n int64) string {
	const first = 10_000_000_000_000_000_000
	return strconv.FormatUint(first+uint64(max(n, 0)), 10)
}

var fifoIDPattern = regexp.MustCompile("^[a-zA-Z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]+$")

// check says whether a message may go to the topic.
func (t *topic) check(r *request) (outgoing, error) {
	var out outgoing
	out.text = aws.ToString(r.message)
	switch {
	case out.text == "":
		return out, invalid("Empty message")
	case !utf8.ValidString(out.text):
		return out, invalid("Message is not valid UTF-8")
	}
	var err error
	if out.Attributes, err = readAttributes(r.attributes, r.attributesAt); err != nil {
		return out, err
	}
	if r.subject != nil {
		if !validSubject(*r.subject) {
			return out, invalid("Subject")
		}
		out.Subject = r.subject
	}
	if aws.ToString(r.structure) != "" {
		if *r.structure != "json" {
			return out, invalid("MessageStructure")
		}
		out.JSON = true
		if _, err := protocolTexts(out.text); err != nil {
			return out, err
		}
	}
	return out, t.checkFIFO(r, &out)
}

func validSubject(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= subjectMax && !strings.ContainsFunc(s, unicode.IsControl)
}

// checkFIFO checks group and deduplication id, and makes the id that content-based
// deduplication asks for.
func (t *topic) checkFIFO(r *request, out *outgoing) error {
	out.Group, out.DedupID = aws.ToString(r.group), aws.ToString(r.dedup)
	for name, id := range map[string]*string{"MessageGroupId": r.group, "MessageDeduplicationId": r.dedup} {
		if id != nil && (len(*id) > fifoIDMax || !fifoIDPattern.MatchString(*id)) {
			return invalid("%s Reason: The %s can only include alphanumeric and punctuation characters, 1 to %d of them", name, name, fifoIDMax)
		}
	}
	switch {
	case !t.record.FIFO && r.dedup != nil:
		return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case !t.record.FIFO:
		return nil
	case out.Group == "":
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	case out.DedupID != "":
		return nil
	case t.attribute(attrContentDedup) != "true":
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	sum := sha256.Sum256([]byte(out.text))
	out.DedupID = hex.EncodeToString(sum[:])
	return nil
}

// protocolTexts reads a message of the structure "json": a text for each protocol
// and one for all others. Members that are no text are left out.
func protocolTexts(message string) (map[string]string, error) {
	notJSON := invalid("Message Structure - JSON message body failed to parse")
	d := json.NewDecoder(strings.NewReader(message))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !json.Valid([]byte(message)) {
		return nil, notJSON
	}
	texts, seen := map[string]string{}, map[string]bool{}
	for d.More() {
		var value any
		name, err := d.Token()
		if err != nil || d.Decode(&value) != nil {
			return nil, notJSON
		}
		key, _ := name.(string)
		if seen[key] {
			return nil, invalid("Message Structure - Duplicate keys are not allowed")
		}
		seen[key] = true
		if text, ok := value.(string); ok {
			texts[key] = text
		}
	}
	if _, ok := texts["default"]; !ok {
		return nil, invalid("Message Structure - No default entry in JSON message body")
	}
	return texts, nil
}

// accept puts messages on disk, all or none. A standard topic with one subscription
// puts them into that one's queue at once, and one with none has nobody to keep them
// for.
func (s *Service) accept(ctx context.Context, t *topic, messages []outgoing) (sent []queue.Sent, err error) {
	subs, err := s.audience(t.record.ID)
	if err != nil {
		return nil, err
	}
	if !t.record.FIFO && len(subs) <= 1 {
		sent, err = s.acceptDirectly(ctx, t, subs, messages)
	} else {
		sent, err = s.acceptForAll(ctx, t, messages)
	}
	if err != nil {
		return nil, fmt.Errorf("accept messages for %s: %w", t.arn, err)
	}
	s.tally.add(t.arn, func(c *Counts) { c.Published += len(messages) })
	return sent, nil
}

func (s *Service) acceptForAll(ctx context.Context, t *topic, messages []outgoing) ([]queue.Sent, error) {
	parcels := make([]queue.Outgoing, len(messages))
	for i := range messages {
		attributes, err := pack(&messages[i].published)
		if err != nil {
			return nil, err
		}
		parcels[i] = queue.Outgoing{
			Body: []byte(messages[i].text), Attributes: attributes, Group: messages[i].Group, DedupID: messages[i].DedupID,
		}
	}
	return s.send(ctx, t.queue(), t.queueSettings(), parcels)
}

func (s *Service) acceptDirectly(ctx context.Context, t *topic, subs []*subscription, messages []outgoing) ([]queue.Sent, error) {
	sent := make([]queue.Sent, len(messages))
	copies := map[*subscription][]queue.Outgoing{}
	for i := range messages {
		sent[i].ID = lambda.NewUUID()
		l := letter{outgoing: messages[i], id: sent[i].ID, sent: s.cfg.Now()}
		if err := s.address(t, subs, &l, copies); err != nil {
			return nil, err
		}
	}
	for sub, parcels := range copies {
		if _, err := s.send(ctx, sub.queue(), sub.queueSettings(), parcels); err != nil {
			return nil, err
		}
	}
	return sent, nil
}

func (t *topic) queueSettings() queue.Settings {
	return queue.Settings{FIFO: t.record.FIFO, DedupPerGroup: t.attribute(attrThroughputScope) == scopeGroup, Retention: retention}
}

// send puts messages into a queue, which is made when it is first used, and has a
// lane empty it.
func (s *Service) send(ctx context.Context, name queue.Name, settings queue.Settings, messages []queue.Outgoing) ([]queue.Sent, error) {
	sent, err := s.cfg.Queue.Send(ctx, name, messages...)
	if errors.Is(err, queue.ErrNoQueue) {
		if err = s.cfg.Queue.Create(ctx, name, settings); err == nil || errors.Is(err, queue.ErrExists) {
			sent, err = s.cfg.Queue.Send(ctx, name, messages...)
		}
	}
	if err == nil {
		s.lanes.note(name)
	}
	return sent, err
}

// configureTopicQueue lets a change of the scope of deduplication reach the queue.
func (s *Service) configureTopicQueue(ctx context.Context, arn string) error {
	t, err := s.topic(arn)
	if err != nil {
		return err
	}
	err = s.cfg.Queue.Configure(ctx, t.queue(), func(q *queue.Settings) { q.DedupPerGroup = t.queueSettings().DedupPerGroup })
	if errors.Is(err, queue.ErrNoQueue) {
		return nil // nothing was published yet
	}
	return err
}

// envelopeAttribute is the attribute of a queue's message that has what belongs to
// the text.
const envelopeAttribute = "sns"

func pack(v any) (map[string]queue.Attribute, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a message's envelope: %w", err)
	}
	return map[string]queue.Attribute{envelopeAttribute: {Value: b}}, nil
}

func unpack(m *queue.Message, v any) error {
	if err := json.Unmarshal(m.Attributes[envelopeAttribute].Value, v); err != nil {
		return fmt.Errorf("read a message's envelope: %w", err)
	}
	return nil
}

var batchIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// publishBatch publishes up to ten messages; what is wrong with one is told for that
// one.
func (s *Service) publishBatch(ctx context.Context, in *awssns.PublishBatchInput) (*awssns.PublishBatchOutput, error) {
	t, err := s.publishTopic(ctx, in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	entries := in.PublishBatchRequestEntries
	if err := checkBatch(entries); err != nil {
		return nil, err
	}
	out := &awssns.PublishBatchOutput{Successful: []types.PublishBatchResultEntry{}, Failed: []types.BatchResultErrorEntry{}}
	var good []outgoing
	var ids []*string
	total := 0
	for i := range entries {
		e := &entries[i]
		one, err := t.check(&request{
			message: e.Message, subject: e.Subject, structure: e.MessageStructure, group: e.MessageGroupId,
			dedup: e.MessageDeduplicationId, attributes: e.MessageAttributes,
			attributesAt: fmt.Sprintf("publishBatchRequestEntries.%d.member.messageAttributes", i+1),
		})
		if err == nil && one.size() > t.messageMax() {
			err = invalid("Message too long")
		}
		total += one.size()
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		good, ids = append(good, one), append(ids, e.Id)
	}
	if total > max(t.messageMax(), sizeDefault) {
		return nil, lambda.Errorf(codeBatchTooLong, "The length of all the messages put together is more than the limit.")
	}
	if len(good) == 0 {
		return out, nil
	}
	sent, err := s.accept(ctx, t, good)
	if err != nil {
		return nil, err
	}
	for i := range sent {
		out.Successful = append(out.Successful, types.PublishBatchResultEntry{
			Id: ids[i], MessageId: aws.String(sent[i].ID), SequenceNumber: sequence(t, sent[i]),
		})
	}
	return out, nil
}

func checkBatch(entries []types.PublishBatchRequestEntry) error {
	switch {
	case len(entries) == 0:
		return lambda.Errorf(codeEmptyBatch, "The batch request doesn't contain any entries.")
	case len(entries) > batchMax:
		return lambda.Errorf(codeTooManyEntries, "The batch request contains more entries than permissible.")
	}
	seen := map[string]bool{}
	for i := range entries {
		id := aws.ToString(entries[i].Id)
		if len(id) > batchIDMax || !batchIDPattern.MatchString(id) {
			return lambda.Errorf(codeInvalidBatchID, "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[id] {
			return lambda.Errorf(codeIDsNotDistinct, "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
	}
	return nil
}

// batchCodes are the codes of one entry's failure, which are those of the wire.
var batchCodes = map[string]string{
	codeInvalidParameter:  "InvalidParameter",
	codeInvalidValue:      "ParameterValueInvalid",
	lambda.CodeValidation: "ValidationError",
}

func failed(id *string, err error) types.BatchResultErrorEntry {
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return types.BatchResultErrorEntry{Id: id, Code: aws.String("InternalError"), Message: aws.String("Internal error")}
	}
	code, known := batchCodes[e.Code]
	if !known {
		code = e.Code
	}
	return types.BatchResultErrorEntry{Id: id, Code: aws.String(code), Message: aws.String(e.Message), SenderFault: true}
}
