package node

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/logs"
	"github.com/hearthfaas/hearth/internal/worker"
)

// logSink shows the log service to the worker, with the permissions that a function
// needs to log: as on AWS, its execution role's, asked anew for what is written, so
// that a change of the role shows at once.
type logSink struct {
	logs *logs.Service
	iam  *iam.Service
}

// Open meets worker.Logs.
func (s logSink) Open(ctx context.Context, stream worker.LogStream, as lambda.Credentials) (worker.LogWriter, error) {
	id, err := s.iam.Lookup(ctx, as.AccessKeyID, as.SessionToken)
	if err != nil {
		return nil, fmt.Errorf("find the role session that logs to %s: %w", stream.Group, err)
	}
	caller := id.Caller
	caller.Region = stream.Region
	group := "arn:aws:logs:" + stream.Region + ":" + stream.Account + ":log-group:" + stream.Group
	return &logWriter{
		sink: s, caller: caller, stream: stream.Stream,
		key:       logs.Key{Account: stream.Account, Region: stream.Region, Group: stream.Group},
		groupARN:  group + ":log-stream:", // as the API asks, so that policies written for AWS fit
		streamARN: group + ":log-stream:" + stream.Stream,
	}, nil
}

// logWriter writes one stream as one role session.
type logWriter struct {
	sink                logSink
	caller              lambda.Caller
	key                 logs.Key
	stream              string
	groupARN, streamARN string
}

// Append meets worker.LogWriter.
func (w *logWriter) Append(lines []worker.LogLine) {
	if !w.allowed() {
		return
	}
	var few [4]logs.Event // what one invoke of a quiet function has
	events := few[:0]
	for _, l := range lines {
		events = append(events, logs.Event(l))
	}
	w.sink.logs.Append(w.key, w.stream, events)
}

// allowed asks for what AWS's own log agent needs (Lambda developer guide, "Lambda
// function logs": logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents).
func (w *logWriter) allowed() bool {
	may := func(action, resource string) bool {
		return w.sink.iam.Authorize(context.Background(), w.caller, action, resource) == nil
	}
	if !may("logs:PutLogEvents", w.streamARN) || !may("logs:CreateLogStream", w.groupARN) {
		return false
	}
	return w.sink.logs.Exists(w.key) || may("logs:CreateLogGroup", w.groupARN)
}
