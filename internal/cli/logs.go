package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"
)

const (
	// followEvery is how often -f asks for what is new: soon enough to feel live.
	followEvery = 300 * time.Millisecond
	// followOverlap is how far -f looks back, because events of several streams
	// arrive out of order.
	followOverlap = 5 * time.Second
)

type logsFlags struct {
	follow bool
	since  time.Duration
	filter string
}

func (a *app) logsCommand() *cobra.Command {
	var f logsFlags
	cmd := &cobra.Command{
		Use:               "logs NAME",
		Short:             "Print a function's logs",
		Args:              needs("the name of the function", false),
		ValidArgsFunction: a.completeFunctions,
		RunE:              runs(func(ctx context.Context, args []string) error { return a.logs(ctx, args[0], f) }),
	}
	fl := cmd.Flags()
	fl.BoolVarP(&f.follow, "follow", "f", false, "go on with what is logged from now on")
	fl.DurationVar(&f.since, "since", 10*time.Minute, "how far back to begin")
	fl.StringVar(&f.filter, "filter", "", `CloudWatch filter pattern, such as ERROR or '{ $.level = "ERROR" }'`)
	return cmd
}

func (a *app) logs(ctx context.Context, name string, f logsFlags) error {
	c, err := a.clients(ctx)
	if err != nil {
		return err
	}
	group, err := c.logGroup(ctx, name)
	if err != nil {
		return err
	}
	p := &logPrinter{app: a, logs: c.logs, group: group, filter: f.filter, seen: map[string]time.Time{}}
	from := time.Now().Add(-f.since)
	for {
		newest, err := p.printFrom(ctx, from)
		if !f.follow || err != nil && ctx.Err() == nil {
			return err
		}
		if next := newest.Add(-followOverlap); next.After(from) {
			from = next
			p.forget(from)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

// logGroup is where a function logs to. The logs of a function that was deleted
// are still there, in the group of its name.
func (c clients) logGroup(ctx context.Context, name string) (string, error) {
	conf, err := c.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	var notFound *types.ResourceNotFoundException
	switch {
	case errors.As(err, &notFound):
		group := "/aws/lambda/" + name
		got, listErr := c.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
		if listErr != nil {
			return "", err
		}
		for _, g := range got.LogGroups {
			if aws.ToString(g.LogGroupName) == group {
				return group, nil
			}
		}
		return "", err
	case err != nil:
		return "", err
	case conf.LoggingConfig != nil && aws.ToString(conf.LoggingConfig.LogGroup) != "":
		return *conf.LoggingConfig.LogGroup, nil
	}
	return "/aws/lambda/" + aws.ToString(conf.FunctionName), nil
}

// logPrinter prints each event of a group once.
type logPrinter struct {
	app    *app
	logs   *cloudwatchlogs.Client
	group  string
	filter string
	seen   map[string]time.Time // by event id; forget bounds it to the overlap
}

// printFrom prints what is there from a time on, and returns the time of the
// newest event.
func (p *logPrinter) printFrom(ctx context.Context, from time.Time) (newest time.Time, err error) {
	newest = from
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &p.group, StartTime: aws.Int64(from.UnixMilli())}
	if p.filter != "" {
		in.FilterPattern = &p.filter
	}
	for {
		out, err := p.logs.FilterLogEvents(ctx, in)
		if _, absent := errors.AsType[*logstypes.ResourceNotFoundException](err); absent {
			return newest, nil // nothing has been logged yet
		}
		if err != nil {
			return newest, err
		}
		for _, e := range out.Events {
			at := time.UnixMilli(aws.ToInt64(e.Timestamp))
			if at.After(newest) {
				newest = at
			}
			if _, dup := p.seen[aws.ToString(e.EventId)]; dup {
				continue
			}
			p.seen[aws.ToString(e.EventId)] = at
			if err := p.print(e, at); err != nil {
				return newest, err
			}
		}
		if out.NextToken == nil {
			return newest, nil
		}
		in.NextToken = out.NextToken
	}
}

// forget drops events that printFrom(from) does not return again.
func (p *logPrinter) forget(from time.Time) {
	for id, at := range p.seen {
		if at.Before(from.Truncate(time.Millisecond)) {
			delete(p.seen, id)
		}
	}
}

func (p *logPrinter) print(e logstypes.FilteredLogEvent, at time.Time) error {
	message := strings.TrimRight(aws.ToString(e.Message), "\n")
	if p.app.output == outputJSON {
		line, err := encodeJSON(map[string]any{
			"time": at.UTC().Format("2006-01-02T15:04:05.000Z"), "stream": aws.ToString(e.LogStreamName), "message": message,
		})
		if err != nil {
			return fmt.Errorf("print an event: %w", err)
		}
		_, err = fmt.Fprintln(p.app.stdout, line)
		return err
	}
	_, err := fmt.Fprintf(p.app.stdout, "%s  %s\n", at.Local().Format("15:04:05.000"), message)
	return err
}
