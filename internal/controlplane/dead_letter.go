package controlplane

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Destinations knows what records and dead letters can be sent to.
type Destinations interface {
	// Exists says whether there is a queue, topic, event bus or bucket.
	Exists(ctx context.Context, arn string) bool
	// MaySend says whether a function's role may send messages to a queue or a topic.
	MaySend(ctx context.Context, roleARN string, id lambda.FunctionID, arn string) bool
}

// checkDeadLetter says whether a dead-letter target is one that Lambda sends to.
func checkDeadLetter(arn string) error {
	f := strings.SplitN(arn, ":", 6)
	switch {
	case arn == "":
		return nil
	case len(f) < 6 || f[0] != "arn" || f[5] == "" || f[2] != "sqs" && f[2] != "sns":
		return invalid("The provided dead-letter target %s is invalid. Only Amazon SQS queues and Amazon SNS topics are supported.", arn)
	case strings.HasSuffix(arn, ".fifo"):
		return invalid("The provided dead-letter target %s is invalid. FIFO queues and FIFO topics are not supported.", arn)
	}
	return nil
}

// checkDeadLetterRole says whether the role may send to a dead-letter target that a
// request gives; one that is malformed is somebody else's refusal.
func (s *Service) checkDeadLetterRole(ctx context.Context, id lambda.FunctionID, role string, given *types.DeadLetterConfig) error {
	if given == nil || s.cfg.Destinations == nil {
		return nil
	}
	arn := value(given.TargetArn)
	wellFormed := arn != "" && checkDeadLetter(arn) == nil
	if !wellFormed || s.cfg.Destinations.MaySend(ctx, role, id, arn) {
		return nil
	}
	what := "SendMessage on SQS"
	if strings.HasPrefix(arn, "arn:aws:sns:") {
		what = "Publish on SNS"
	}
	return invalid("The provided execution role does not have permissions to call %s", what)
}
