package compat

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestAPIReservedConcurrencyOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	put := func(n int32) *lambda.PutFunctionConcurrencyInput {
		return &lambda.PutFunctionConcurrencyInput{FunctionName: new("f"), ReservedConcurrentExecutions: new(n)}
	}
	get := &lambda.GetFunctionConcurrencyInput{FunctionName: new("f")}
	shows(t, a.do(get), 200, `{}`)
	shows(t, a.do(put(900)), 200, `{"ReservedConcurrentExecutions":900}`)
	shows(t, a.do(get), 200, `{"ReservedConcurrentExecutions":900}`)
	shows(t, a.do(&lambda.GetAccountSettingsInput{}), 200, `{"AccountLimit":{"TotalCodeSize":80530636800,"CodeSizeUnzipped":262144000,"CodeSizeZipped":52428800,
		"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":100},"AccountUsage":{"TotalCodeSize":0.5,"FunctionCount":1}}`)
	only := "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."
	a.refuses(t, []refusal{
		{"what would leave less than 100", put(901), "InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].", true},
		{"less than none", put(-1), "ValidationException", violation("'-1'", "reservedConcurrentExecutions", "Member must have value greater than or equal to 0"), false},
		{"a version", &lambda.PutFunctionConcurrencyInput{FunctionName: new("f:1"), ReservedConcurrentExecutions: new(int32(1))}, "InvalidParameterValueException", only, false},
		{"no number", request{"PUT", "/2017-10-31/functions/f/concurrency", `{}`}, "ValidationException", violation("null", "reservedConcurrentExecutions", "Member must not be null"), false},
	})
	shows(t, a.do(put(0)), 200, `{"ReservedConcurrentExecutions":0}`)
	shows(t, a.do(get), 200, `{"ReservedConcurrentExecutions":0}`)
	for range 2 {
		shows(t, a.do(&lambda.DeleteFunctionConcurrencyInput{FunctionName: new("f")}), 204, "")
	}
	shows(t, a.do(get), 200, `{}`)
}

func TestAPIEventInvokeConfigsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.do(&lambda.CreateAliasInput{FunctionName: new("f"), Name: new("prod"), FunctionVersion: new("$LATEST")})
	f, arn := new("f"), apiPrefix+"function:f"
	queue := "arn:aws:sqs:us-east-1:000000000000:q"
	if _, err := sqs.NewFromConfig(a.config(apiRegion)).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("q")}); err != nil {
		t.Fatal(err)
	}
	to := func(arn string) *types.DestinationConfig {
		return &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: new(arn)}}
	}
	config := func(qualifier, more string) string {
		return `{"FunctionArn":"` + arn + `:` + qualifier + `","LastModified":0.5` + more + `}`
	}
	none := `,"DestinationConfig":{"OnSuccess":{},"OnFailure":{}}`
	shows(t, a.do(&lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: new(int32(1)), MaximumEventAgeInSeconds: new(int32(60))}), 200,
		config("$LATEST", `,"MaximumRetryAttempts":1,"MaximumEventAgeInSeconds":60`+none))
	shows(t, a.do(&lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: new(int32(0)), DestinationConfig: to(queue)}), 200,
		config("$LATEST", `,"MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnSuccess":{"Destination":"`+queue+`"},"OnFailure":{}}`))
	shows(t, a.do(&lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: new("prod"), MaximumRetryAttempts: new(int32(2))}), 200, config("prod", `,"MaximumRetryAttempts":2`+none))
	shows(t, a.do(&lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: new(int32(2))}), 200, config("$LATEST", `,"MaximumRetryAttempts":2`+none))
	shows(t, a.do(&lambda.GetFunctionEventInvokeConfigInput{FunctionName: f}), 200, config("$LATEST", `,"MaximumRetryAttempts":2`+none))
	shows(t, a.do(&lambda.ListFunctionEventInvokeConfigsInput{FunctionName: f}), 200,
		`{"FunctionEventInvokeConfigs":[`+config("$LATEST", `,"MaximumRetryAttempts":2`+none)+`,`+config("prod", `,"MaximumRetryAttempts":2`+none)+`]}`)

	put := func(change func(*lambda.PutFunctionEventInvokeConfigInput)) *lambda.PutFunctionEventInvokeConfigInput {
		in := &lambda.PutFunctionEventInvokeConfigInput{FunctionName: f}
		change(in)
		return in
	}
	gone := "The function doesn't exist."
	a.refuses(t, []refusal{
		{"nothing", put(func(*lambda.PutFunctionEventInvokeConfigInput) {}), "InvalidParameterValueException", "You must specify at least one of error handling or destination setting.", false},
		{"three retries", put(func(in *lambda.PutFunctionEventInvokeConfigInput) { in.MaximumRetryAttempts = new(int32(3)) }), "ValidationException", violation("'3'", "maximumRetryAttempts", "Member must have value less than or equal to 2"), false},
		{"59 seconds", put(func(in *lambda.PutFunctionEventInvokeConfigInput) { in.MaximumEventAgeInSeconds = new(int32(59)) }), "ValidationException", violation("'59'", "maximumEventAgeInSeconds", "Member must have value greater than or equal to 60"), false},
		{"itself", put(func(in *lambda.PutFunctionEventInvokeConfigInput) { in.DestinationConfig = to(arn) }), "InvalidParameterValueException", "You can't specify the function as a destination for itself.", false},
		{"a function that is not there", put(func(in *lambda.PutFunctionEventInvokeConfigInput) {
			in.DestinationConfig = to(apiPrefix + "function:gone")
		}), "InvalidParameterValueException", "The destination ARN " + apiPrefix + "function:gone is invalid.", false},
		{"a table", put(func(in *lambda.PutFunctionEventInvokeConfigInput) {
			in.DestinationConfig = to("arn:aws:dynamodb:us-east-1:000000000000:table/t")
		}), "InvalidParameterValueException", "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:dynamodb:us-east-1:000000000000:table/t), onFailure=null) is invalid.", false},
		{"put on no function", &lambda.PutFunctionEventInvokeConfigInput{FunctionName: new("gone"), MaximumRetryAttempts: new(int32(1))}, "ResourceNotFoundException", gone, false},
		{"update of no function", &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: new("gone"), MaximumRetryAttempts: new(int32(1))}, "ResourceNotFoundException", gone, false},
		{"list of no function", &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: new("gone")}, "ResourceNotFoundException", gone, false},
		{"get of no function", &lambda.GetFunctionEventInvokeConfigInput{FunctionName: new("gone")}, "ResourceNotFoundException", "The function " + apiPrefix + "function:gone:$LATEST doesn't have an EventInvokeConfig", false},
		{"delete of none", &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: new("other")}, "ResourceNotFoundException", "The function " + arn + ":other doesn't have an EventInvokeConfig", false},
	})
	shows(t, a.do(&lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: f}), 204, "")
	a.refuses(t, []refusal{{"get after delete", &lambda.GetFunctionEventInvokeConfigInput{FunctionName: f}, "ResourceNotFoundException", "The function " + arn + ":$LATEST doesn't have an EventInvokeConfig", false}})
}

func TestAPISmallSettingsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	f, arn := new("f"), apiPrefix+"function:f"
	shows(t, a.do(&lambda.GetRuntimeManagementConfigInput{FunctionName: f}), 200, `{"UpdateRuntimeOn":"Auto","FunctionArn":"`+arn+`"}`)
	shows(t, a.do(&lambda.PutRuntimeManagementConfigInput{FunctionName: f, UpdateRuntimeOn: types.UpdateRuntimeOnFunctionUpdate}), 200, `{"UpdateRuntimeOn":"FunctionUpdate","FunctionArn":"`+arn+`"}`)
	shows(t, a.do(&lambda.GetFunctionRecursionConfigInput{FunctionName: f}), 200, `{"RecursiveLoop":"Terminate"}`)
	shows(t, a.do(&lambda.PutFunctionRecursionConfigInput{FunctionName: f, RecursiveLoop: types.RecursiveLoopAllow}), 200, `{"RecursiveLoop":"Allow"}`)
	shows(t, a.do(&lambda.GetFunctionRecursionConfigInput{FunctionName: f}), 200, `{"RecursiveLoop":"Allow"}`)
	shows(t, a.do(&lambda.GetFunctionCodeSigningConfigInput{FunctionName: f}), 200, `{}`)
	shows(t, a.do(&lambda.ListTagsInput{Resource: new(arn)}), 200, `{"Tags":{}}`)
	a.do(&lambda.TagResourceInput{Resource: new(arn), Tags: map[string]string{"a": "1", "b/c d": ""}})
	shows(t, a.do(&lambda.ListTagsInput{Resource: new(arn)}), 200, `{"Tags":{"a":"1","b/c d":""}}`)
	shows(t, a.do(&lambda.UntagResourceInput{Resource: new(arn), TagKeys: []string{"b/c d", "none"}}), 204, "")
	shows(t, a.do(&lambda.ListTagsInput{Resource: new(arn)}), 200, `{"Tags":{"a":"1"}}`)
	a.refuses(t, []refusal{
		{"a recursion that is neither", &lambda.PutFunctionRecursionConfigInput{FunctionName: f, RecursiveLoop: "Maybe"}, "ValidationException", violation("'Maybe'", "recursiveLoop", "Member must satisfy enum value set: [Allow, Terminate]"), false},
		{
			"a tag key of 129 characters", &lambda.TagResourceInput{Resource: new(arn), Tags: map[string]string{strings.Repeat("k", 129): "v"}}, "ValidationException",
			violation("'{"+strings.Repeat("k", 129)+"=v}'", "tags", "Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*), Member must not be null]"), false,
		},
	})
}
