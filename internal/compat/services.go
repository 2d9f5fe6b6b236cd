package compat

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	awsapigateway "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awsscheduler "github.com/aws/aws-sdk-go-v2/service/scheduler"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/apigateway"
	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/dynamodb"
	"github.com/hearthfaas/hearth/internal/eventbridge"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/logs"
	"github.com/hearthfaas/hearth/internal/metrics"
	"github.com/hearthfaas/hearth/internal/s3"
	"github.com/hearthfaas/hearth/internal/scheduler"
	"github.com/hearthfaas/hearth/internal/sns"
	"github.com/hearthfaas/hearth/internal/sqs"
	"github.com/hearthfaas/hearth/internal/store/mem"
	"github.com/hearthfaas/hearth/internal/wire"
)

// Page is docs/compat.md. The services are opened in dir, which is left with what
// they wrote.
func Page(ctx context.Context, dir string) ([]byte, error) {
	all, err := services(ctx, dir)
	if err != nil {
		return nil, err
	}
	return render(all), nil
}

// services are the AWS services that the edge serves by AWS's schemas.
func services(ctx context.Context, dir string) ([]service, error) {
	log := slog.New(slog.DiscardHandler)
	identities, err := iam.Open(ctx, iam.Config{Store: mem.New(), KeyFile: filepath.Join(dir, "key"), Account: "000000000000", Log: log})
	if err != nil {
		return nil, fmt.Errorf("open the identities: %w", err)
	}
	defer identities.Close()
	groups, err := logs.Open(ctx, logs.Config{Dir: filepath.Join(dir, "logs"), Retention: time.Hour, Now: time.Now, Log: log})
	if err != nil {
		return nil, fmt.Errorf("open the logs: %w", err)
	}
	functions := controlplane.New(controlplane.Config{Store: mem.New(), Log: log}).API()
	notes := maps.Clone(controlplane.Notes)
	maps.Copy(notes, awsapi.Notes)
	invokes := append(slices.Clone(awsapi.Invokes), awsapi.InvokeAsync(nil).Name)
	all := []service{
		{"AWS Lambda", operations[*lambda.Client](), append(names(functions), invokes...), notes},
		{"IAM", operations[*awsiam.Client](), names(identities.IAM()), iam.Notes},
		{"STS", operations[*sts.Client](), names(identities.STS()), iam.Notes},
		{"CloudWatch", operations[*awscloudwatch.Client](), names((&metrics.Service{}).API()), metrics.Notes},
		{"CloudWatch Logs", operations[*cloudwatchlogs.Client](), names(groups.API()), logs.Notes},
		{"Amazon DynamoDB", operations[*awsdynamodb.Client](), names((&dynamodb.Service{}).API()), dynamodb.Notes},
		{"Amazon DynamoDB Streams", operations[*dynamodbstreams.Client](), names((&dynamodb.Service{}).StreamsAPI()), dynamodb.Notes},
		{"Amazon API Gateway (HTTP APIs)", operations[*apigatewayv2.Client](), names((&apigateway.Service{}).V2()), apigateway.NotesV2},
		{"Amazon API Gateway (REST APIs)", operations[*awsapigateway.Client](), names((&apigateway.Service{}).V1()), apigateway.NotesV1},
		{"Amazon EventBridge", operations[*awsevents.Client](), names((&eventbridge.Service{}).API()), eventbridge.Notes},
		{"Amazon EventBridge Scheduler", operations[*awsscheduler.Client](), names((&scheduler.Service{}).API()), scheduler.Notes},
		{"Amazon S3", operations[*awss3.Client](), s3.Names(), s3.Notes},
		{"Amazon SNS", operations[*awssns.Client](), names((&sns.Service{}).API()), sns.Notes},
		{"Amazon SQS", operations[*awssqs.Client](), names((&sqs.Service{}).API()), sqs.Notes},
	}
	if err := groups.Close(); err != nil {
		return nil, fmt.Errorf("close the logs: %w", err)
	}
	return all, nil
}

func names(s *wire.Service) []string {
	out := make([]string, 0, len(s.Operations))
	for _, op := range s.Operations {
		out = append(out, op.Name)
	}
	return out
}

// operations are the names of a client's calls: the methods that take a context, an
// input and options.
func operations[Client any]() []string {
	t := reflect.TypeFor[Client]()
	var out []string
	for m := range t.Methods() {
		if c := m.Type; c.NumIn() == 4 && c.IsVariadic() && c.In(1) == reflect.TypeFor[context.Context]() && c.NumOut() == 2 {
			out = append(out, m.Name)
		}
	}
	return out
}
