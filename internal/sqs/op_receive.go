package sqs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// inFlightMax is the most messages of a queue in flight (developer guide, "Message
// quotas"; FIFO queues have had the same as standard ones since November 2024).
const inFlightMax = 120_000

// want is what a ReceiveMessage asks for.
type want struct {
	queue.Request

	system map[types.MessageSystemAttributeName]bool
	names  []string // of message attributes
}

func (e *entry) want(ctx context.Context, in *sqs.ReceiveMessageInput) (want, error) {
	w := want{Request: queue.Request{Max: 1, Wait: e.wait}, names: in.MessageAttributeNames}
	if n := sent(ctx, in.MaxNumberOfMessages, "MaxNumberOfMessages"); n != nil {
		if *n < 1 || *n > queue.ReceiveMax {
			return want{}, badParameter(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		w.Max = int(*n)
	}
	if n := sent(ctx, in.WaitTimeSeconds, "WaitTimeSeconds"); n != nil {
		if *n < 0 || *n > waitMax {
			return want{}, badParameter(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		w.Wait = time.Duration(*n) * time.Second
	}
	if n := sent(ctx, in.VisibilityTimeout, "VisibilityTimeout"); n != nil {
		v, err := visibility(*n)
		if err != nil {
			return want{}, err
		}
		w.Visibility = &v
	}
	if id := in.ReceiveRequestAttemptId; id != nil {
		if !e.fifo {
			return want{}, badParameter(*id, "ReceiveRequestAttemptId", "The request includes a parameter that is not valid for this queue type.")
		}
		if !tokenPattern.MatchString(*id) {
			return want{}, badParameter(*id, "ReceiveRequestAttemptId", "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	return w, w.addSystem(in)
}

// addSystem collects the system attributes, which have two members for their names.
func (w *want) addSystem(in *sqs.ReceiveMessageInput) error {
	names := slices.Clone(in.MessageSystemAttributeNames)
	for _, n := range in.AttributeNames { //nolint:staticcheck // older clients know no other member
		names = append(names, types.MessageSystemAttributeName(n))
	}
	known := types.MessageSystemAttributeName("").Values()
	w.system = map[types.MessageSystemAttributeName]bool{}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return unknownAttribute(string(n))
		}
		w.system[n] = true
	}
	return nil
}

func visibility(seconds int32) (time.Duration, error) {
	if seconds < 0 || seconds > visibilityMax {
		return 0, badParameter(seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	return time.Duration(seconds) * time.Second, nil
}

func (s *Service) receiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	w, err := e.want(ctx, in)
	if err != nil {
		return nil, err
	}
	w.HeldMax = s.held
	messages, err := s.take(ctx, e, &w, aws.ToString(in.ReceiveRequestAttemptId))
	if err != nil {
		return nil, err
	}
	out := &sqs.ReceiveMessageOutput{}
	for i := range messages {
		out.Messages = append(out.Messages, e.render(&w, &messages[i]))
	}
	return out, nil
}

// take receives messages, or those again that the same attempt has received.
func (s *Service) take(ctx context.Context, e *entry, w *want, attemptID string) ([]queue.Message, error) {
	caller := lambda.CallerFrom(ctx)
	key := attemptKey{queue: e.name, id: attemptID}
	if attemptID != "" {
		if receipts := s.attempts.find(key); len(receipts) > 0 {
			messages, ok, err := s.cfg.Queues.Again(ctx, e.name, w.Visibility, receipts...)
			if err != nil || ok {
				return messages, shown(ctx, err)
			}
		}
	}
	poll, done := s.polls.begin(ctx, w.Wait)
	defer done()
	messages, err := s.cfg.Queues.Receive(lambda.WithCaller(poll, caller), e.name, w.Request)
	switch {
	case errors.Is(err, queue.ErrOverLimit):
		if w.Wait > 0 || e.fifo {
			return nil, nil // long polls and FIFO queues answer with nothing (developer guide, same place)
		}
		return nil, lambda.Errorf(codeOverLimit, "Too many messages in flight: the maximum of %d messages that were received and not deleted is reached.", s.held)
	case err != nil && ctx.Err() == nil && poll.Err() != nil:
		return nil, nil // the node is about to end
	case err != nil:
		return nil, shown(ctx, err)
	}
	if attemptID != "" {
		s.attempts.keep(key, messages)
	}
	return messages, nil
}

// render is a message as its receiver asked to see it.
func (e *entry) render(w *want, m *queue.Message) types.Message {
	out := types.Message{
		MessageId: aws.String(m.ID), ReceiptHandle: aws.String(m.Receipt),
		Body: aws.String(string(m.Body)), MD5OfBody: aws.String(md5Of(m.Body)),
	}
	selected := map[string]attributeValue{}
	for name, a := range m.Attributes {
		if strings.HasPrefix(name, ownPrefix) || !selects(w.names, name) {
			continue
		}
		selected[name] = a
		if out.MessageAttributes == nil {
			out.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		v := types.MessageAttributeValue{DataType: aws.String(a.Type)}
		if isBinary(a.Type) {
			v.BinaryValue = a.Value
		} else {
			v.StringValue = aws.String(string(a.Value))
		}
		out.MessageAttributes[name] = v
	}
	out.MD5OfMessageAttributes = md5OfAttributes(selected)
	if len(w.system) > 0 {
		out.Attributes = e.system(w, m)
	}
	return out
}

// selects says whether names, which may be patterns, ask for an attribute.
func selects(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if n == "All" || n == ".*" || n == name {
			return true
		}
		prefix, ok := strings.CutSuffix(n, ".*")
		return ok && strings.HasPrefix(name, prefix)
	})
}

// system are a message's own attributes, those that were asked for.
func (e *entry) system(w *want, m *queue.Message) map[string]string {
	noted := func(name string) string { return string(m.Attributes[name].Value) }
	all := map[types.MessageSystemAttributeName]string{
		types.MessageSystemAttributeNameSenderId:                         noted(ownSender),
		types.MessageSystemAttributeNameSentTimestamp:                    milliseconds(m.Sent),
		types.MessageSystemAttributeNameApproximateReceiveCount:          strconv.Itoa(m.Receives),
		types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp: milliseconds(m.FirstReceived),
		types.MessageSystemAttributeNameAWSTraceHeader:                   noted(ownTrace),
		types.MessageSystemAttributeNameMessageGroupId:                   noted(ownGroup),
	}
	if e.fifo {
		all[types.MessageSystemAttributeNameMessageGroupId] = m.Group
		all[types.MessageSystemAttributeNameMessageDeduplicationId] = noted(ownDedup)
		all[types.MessageSystemAttributeNameSequenceNumber] = sequence(m.Sequence)
	}
	if m.Origin != (queue.Name{}) {
		all[types.MessageSystemAttributeNameDeadLetterQueueSourceArn] = arnOf(m.Origin)
	}
	out := map[string]string{}
	for name, v := range all {
		if v != "" && (w.system[name] || w.system[types.MessageSystemAttributeNameAll]) {
			out[string(name)] = v
		}
	}
	return out
}
