package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// handle is what a task's handle says, as at AWS: base64 of this JSON.
type handle struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func (t *task) handle() *string {
	b, _ := json.Marshal(handle{TaskID: t.ID, SourceARN: arnOf(t.Source)}) // two texts always encode
	return aws.String(base64.StdEncoding.EncodeToString(b))
}

func parseHandle(text string) (source, id string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", false
	}
	var h handle
	if err := json.Unmarshal(b, &h); err != nil {
		return "", "", false
	}
	return h.SourceARN, h.TaskID, h.SourceARN != "" && h.TaskID != ""
}

// ownQueue is the caller's queue with an ARN.
func (s *Service) ownQueue(ctx context.Context, arn, parameter string) (*entry, error) {
	c := lambda.CallerFrom(ctx)
	name, ok := parseARN(arn)
	if !ok {
		return nil, badParameter(arn, parameter, "You must use this format to specify the "+parameter+": arn:<partition>:<service>:<region>:<account-id>:<resource-id>")
	}
	e, found := s.find(name)
	if !found || name.Account != c.Account || name.Region != c.Region {
		return nil, lambda.Errorf(codeNotFound, "The resource that you specified for the %s parameter doesn't exist.", parameter)
	}
	return e, nil
}

func (s *Service) startMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput) (*sqs.StartMessageMoveTaskOutput, error) {
	if in.SourceArn == nil {
		return nil, missing("SourceArn")
	}
	source, err := s.ownQueue(ctx, *in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	rate := aws.ToInt32(in.MaxNumberOfMessagesPerSecond)
	if in.MaxNumberOfMessagesPerSecond != nil && (rate < 1 || rate > rateMax) {
		return nil, badParameter(rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	origins := s.sourcesOf(source.name)
	if len(origins) == 0 {
		return nil, invalidValue("Source queue must be configured as a Dead Letter Queue.")
	}
	t := task{ID: lambda.NewUUID(), Source: source.name, Rate: rate, Started: s.cfg.Now().UnixMilli(), State: taskRunning}
	targets := origins
	if in.DestinationArn != nil {
		dest, err := s.ownQueue(ctx, *in.DestinationArn, "DestinationArn")
		switch {
		case err != nil:
			return nil, err
		case dest.name == source.name:
			return nil, invalidValue("Source queue arn and destination queue arn must be different.")
		case dest.fifo != source.fifo:
			return nil, invalidValue("Source queue and destination queue must be of the same type.")
		}
		t.Destination, targets = dest.name, []*entry{dest}
	}
	if err := s.mayMove(ctx, in, source, targets); err != nil {
		return nil, err
	}
	counts, err := s.cfg.Queues.Counts(source.name)
	if err != nil {
		return nil, shown(ctx, err)
	}
	t.ToMove = int64(counts.Visible)
	if err := s.mover.start(ctx, t); err != nil {
		return nil, err
	}
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: t.handle()}, nil
}

// mayMove asks for what a move does on the caller's behalf: it receives and deletes at
// the source and sends to the targets (developer guide, "Configuring a dead-letter
// queue redrive").
func (s *Service) mayMove(ctx context.Context, in *sqs.StartMessageMoveTaskInput, source *entry, targets []*entry) error {
	for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage"} {
		if err := s.cfg.Allow(ctx, action, source.arn, in); err != nil {
			return err
		}
	}
	for _, t := range targets {
		if err := s.cfg.Allow(ctx, "sqs:SendMessage", t.arn, in); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) cancelMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput) (*sqs.CancelMessageMoveTaskOutput, error) {
	if in.TaskHandle == nil {
		return nil, missing("TaskHandle")
	}
	arn, id, ok := parseHandle(*in.TaskHandle)
	if !ok {
		return nil, badParameter(*in.TaskHandle, "TaskHandle", "The task handle is not valid.")
	}
	source, err := s.ownQueue(ctx, arn, "TaskHandle")
	if err != nil {
		return nil, err
	}
	moved, err := s.mover.cancel(ctx, source.name, id)
	if err != nil {
		return nil, err
	}
	return &sqs.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: moved}, nil
}

func (s *Service) listMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput) (*sqs.ListMessageMoveTasksOutput, error) {
	if in.SourceArn == nil {
		return nil, missing("SourceArn")
	}
	source, err := s.ownQueue(ctx, *in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	most := 1
	if in.MaxResults != nil {
		if most = int(*in.MaxResults); most < 1 || most > tasksKept {
			return nil, badParameter(most, "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	out := &sqs.ListMessageMoveTasksOutput{}
	for _, t := range s.mover.list(source.name) {
		if len(out.Results) == most {
			break
		}
		out.Results = append(out.Results, t.render())
	}
	return out, nil
}

func (t *task) render() types.ListMessageMoveTasksResultEntry {
	e := types.ListMessageMoveTasksResultEntry{
		SourceArn: aws.String(arnOf(t.Source)), Status: aws.String(t.State), StartedTimestamp: t.Started,
		ApproximateNumberOfMessagesMoved: t.Moved, ApproximateNumberOfMessagesToMove: aws.Int64(t.ToMove),
	}
	if t.Destination != (queue.Name{}) {
		e.DestinationArn = aws.String(arnOf(t.Destination))
	}
	if t.Rate > 0 {
		e.MaxNumberOfMessagesPerSecond = aws.Int32(t.Rate)
	}
	if t.Failure != "" {
		e.FailureReason = aws.String(t.Failure)
	}
	if t.State == taskRunning {
		e.TaskHandle = t.handle()
	}
	return e
}
