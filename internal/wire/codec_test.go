package wire

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func operation[In, Out any](name string) Operation {
	return Operation{Name: name, NewInput: func() any { return new(In) }, NewOutput: func() any { return new(Out) }}
}

func codecOf(t testing.TB, s *Service) *Codec {
	t.Helper()
	c, err := NewCodec(s)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func lambdaCodec(t testing.TB) *Codec {
	return codecOf(t, &Service{Name: "lambda", Protocol: RestJSON1, Operations: []Operation{
		operation[awslambda.CreateFunctionInput, awslambda.CreateFunctionOutput]("CreateFunction"),
		operation[awslambda.GetFunctionInput, awslambda.GetFunctionOutput]("GetFunction"),
		operation[awslambda.ListLayersInput, awslambda.ListLayersOutput]("ListLayers"),
		operation[awslambda.GetLayerVersionByArnInput, awslambda.GetLayerVersionByArnOutput]("GetLayerVersionByArn"),
		operation[awslambda.GetProvisionedConcurrencyConfigInput, awslambda.GetProvisionedConcurrencyConfigOutput]("GetProvisionedConcurrencyConfig"),
		operation[awslambda.ListProvisionedConcurrencyConfigsInput, awslambda.ListProvisionedConcurrencyConfigsOutput]("ListProvisionedConcurrencyConfigs"),
		operation[awslambda.UntagResourceInput, awslambda.UntagResourceOutput]("UntagResource"),
		operation[awslambda.DeleteAliasInput, awslambda.DeleteAliasOutput]("DeleteAlias"),
		operation[awslambda.GetAccountSettingsInput, awslambda.GetAccountSettingsOutput]("GetAccountSettings"),
		operation[awslambda.ListFunctionsInput, awslambda.ListFunctionsOutput]("ListFunctions"),
	}})
}

func logsCodec(t testing.TB) *Codec {
	return codecOf(t, &Service{Name: "logs", Protocol: AWSJSON11, TargetPrefix: "Logs_20140328", Operations: []Operation{
		operation[cloudwatchlogs.CreateLogGroupInput, cloudwatchlogs.CreateLogGroupOutput]("CreateLogGroup"),
		operation[cloudwatchlogs.PutLogEventsInput, cloudwatchlogs.PutLogEventsOutput]("PutLogEvents"),
	}})
}

func stsCodec(t testing.TB) *Codec {
	return codecOf(t, &Service{
		Name: "sts", Protocol: AWSQuery, Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: []Operation{operation[sts.AssumeRoleInput, sts.AssumeRoleOutput]("AssumeRole")},
	})
}

func TestRequestsAreRoutedByMethodPathAndLiteralQuery(t *testing.T) {
	c := lambdaCodec(t)
	cases := []struct{ name, method, target, want string }{
		{"a collection", "GET", "/2015-03-31/functions", "ListFunctions"},
		{"a collection with the slash of older SDKs", "POST", "/2015-03-31/functions/", "CreateFunction"},
		{"a label", "GET", "/2015-03-31/functions/f", "GetFunction"},
		{"an ARN as label", "GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "GetFunction"},
		{"a slash inside a label", "GET", "/2015-03-31/functions/a%2Fb", "GetFunction"},
		{"a literal query wins", "GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", "GetLayerVersionByArn"},
		{"without the literal query", "GET", "/2018-10-31/layers?Marker=find", "ListLayers"},
		{"another literal query", "GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL", "ListProvisionedConcurrencyConfigs"},
		{"another without", "GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1", "GetProvisionedConcurrencyConfig"},
		{"an empty label is no label", "GET", "/2015-03-31/functions//aliases", "404"},
		{"a path that is unknown", "GET", "/2015-03-31/nothing", "404"},
		{"the root", "GET", "/", "404"},
		{"a method that is wrong", "PATCH", "/2015-03-31/functions/f", "405"},
		{"an operation of AWS's that is not served", "GET", "/2015-03-31/functions/f/policy", "501"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			call, err := c.Match(httptest.NewRequest(tc.method, tc.target, nil), nil)
			got := ""
			var e *lambda.Error
			switch {
			case errors.As(err, &e):
				w := httptest.NewRecorder()
				c.WriteError(w, "id", e)
				got = fmt.Sprint(w.Code)
			case err == nil:
				got = call.Operation.Name
			}
			if got != tc.want {
				t.Errorf("got %s (%v), want %s", got, err, tc.want)
			}
		})
	}
}

func decode(t *testing.T, c *Codec, r *http.Request, body string) (any, error) {
	t.Helper()
	call, err := c.Match(r, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return call.Decode()
}

func TestLabelsAreDecodedAfterRouting(t *testing.T) {
	in, err := decode(t, lambdaCodec(t), httptest.NewRequest("DELETE",
		"/2017-03-31/tags/arn%3Aaws%3Alambda%3Ax%2Fy?tagKeys=a%20b&tagKeys=c", nil), "")
	if err != nil {
		t.Fatal(err)
	}
	got := in.(*awslambda.UntagResourceInput)
	if aws.ToString(got.Resource) != "arn:aws:lambda:x/y" || !reflect.DeepEqual(got.TagKeys, []string{"a b", "c"}) {
		t.Errorf("got %q %q", aws.ToString(got.Resource), got.TagKeys)
	}
}

func TestJSONBodiesAreReadAsAWSReadsThem(t *testing.T) {
	c := lambdaCodec(t)
	cases := []struct{ name, body, want string }{ // want: the error, or empty
		{"unknown members are ignored", `{"FunctionName":"f","Nonsense":{"a":[1]}}`, ""},
		{"null is absent", `{"FunctionName":"f","Timeout":null,"Environment":null,"Layers":[null]}`, ""},
		{"a number may have a fraction of zero", `{"FunctionName":"f","Timeout":3.0}`, ""},
		{"an empty body is an empty input", ``, ""},
		{"white space too", " \n", ""},
		{"not JSON", `{"FunctionName":`, "the request body is not valid JSON"},
		{"more than one value", `{} {}`, "the request body has data after its JSON value"},
		{"a string for a number", `{"Timeout":"3"}`, "STRING_VALUE can not be converted to an Integer"},
		{"a fraction for a whole number", `{"Timeout":3.5}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"a number that is too large", `{"Timeout":3000000000}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"a number for a string", `{"FunctionName":1}`, "NUMBER_VALUE can not be converted to a String"},
		{"an object for a list", `{"Layers":{}}`, "START_OBJECT can not be converted to a List"},
		{"a list for an object", `{"Environment":[]}`, "START_ARRAY can not be converted to a Structure"},
		{"a list for the whole input", `[]`, "START_ARRAY can not be converted to a Structure"},
		{"a string for a boolean", `{"Publish":"true"}`, "STRING_VALUE can not be converted to a Boolean"},
		{"a boolean for a map", `{"Tags":true}`, "TRUE_VALUE can not be converted to a Map"},
		{"a blob that is not base64", `{"Code":{"ZipFile":"%"}}`, "a blob is not valid base64"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := decode(t, c, httptest.NewRequest("POST", "/2015-03-31/functions", nil), tc.body)
			var e *lambda.Error
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tc.want != "" && (!errors.As(err, &e) || e.Code != lambda.CodeSerialization || e.Message != tc.want):
				t.Errorf("got %v, want SerializationException: %s", err, tc.want)
			}
		})
	}
}

// answer is the status, content type and body of a result.
func answer(t *testing.T, c *Codec, name string, out any) (int, string, string) {
	t.Helper()
	w := httptest.NewRecorder()
	call := &Call{Operation: c.served[name].op, codec: c, served: c.served[name]}
	if err := call.WriteResult(w, "id", out); err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header().Get("Content-Type"), w.Body.String()
}

func TestAnswersHoldWhatTheOperationSet(t *testing.T) {
	c := lambdaCodec(t)
	cases := []struct {
		name, operation string
		out             any
		status          int
		contentType     string
		body            string
	}{
		{
			"empty maps and lists that are set are written", "CreateFunction", &awslambda.CreateFunctionOutput{
				Description: aws.String(""), Environment: &types.EnvironmentResponse{Variables: map[string]string{}}, Layers: []types.Layer{},
			},
			201, "application/json", `{"CodeSize":0,"Description":"","Environment":{"Variables":{}},"Layers":[]}`,
		},
		{"a default of zero is written", "GetAccountSettings", &awslambda.GetAccountSettingsOutput{
			AccountUsage: &types.AccountUsage{},
		}, 200, "application/json", `{"AccountUsage":{"FunctionCount":0,"TotalCodeSize":0}}`},
		{
			"an empty page", "ListFunctions", &awslambda.ListFunctionsOutput{Functions: []types.FunctionConfiguration{}},
			200, "application/json", `{"Functions":[]}`,
		},
		{"nothing", "DeleteAlias", &awslambda.DeleteAliasOutput{}, 204, "", ""},
		{
			"characters that HTML would escape are not", "GetFunction", &awslambda.GetFunctionOutput{
				Tags: map[string]string{"b": "<&>\u2028", "a": "\"\\\n\x01\xff"},
			},
			200, "application/json", `{"Tags":{"a":"\"\\\n\u0001` + "\ufffd" + `","b":"<&>` + "\u2028" + `"}}`,
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			status, contentType, body := answer(t, c, tc.operation, tc.out)
			if status != tc.status || contentType != tc.contentType || body != tc.body {
				t.Errorf("got  %d %s %s\nwant %d %s %s", status, contentType, body, tc.status, tc.contentType, tc.body)
			}
		})
	}
	if status, contentType, body := answer(t, logsCodec(t), "CreateLogGroup", &cloudwatchlogs.CreateLogGroupOutput{}); status != 200 ||
		contentType != "application/x-amz-json-1.1" || body != "{}" {
		t.Errorf("awsJson: got %d %s %s", status, contentType, body)
	}
}

func TestAnOperationThatReturnsSomethingElseIsAFaultOfOurs(t *testing.T) {
	c := lambdaCodec(t)
	call := &Call{Operation: c.served["GetFunction"].op, codec: c, served: c.served["GetFunction"]}
	for _, out := range []any{nil, (*awslambda.GetFunctionOutput)(nil), &awslambda.CreateFunctionOutput{}, 7} {
		w := httptest.NewRecorder()
		if err := call.WriteResult(w, "id", out); err == nil || w.Body.Len() != 0 {
			t.Errorf("%T: got %v and wrote %q", out, err, w.Body)
		}
	}
}

func TestErrorsLookAsEachProtocolWantsThem(t *testing.T) {
	errs := map[string]ErrorShape{
		"ResourceNotFoundException":      {Status: 404, Member: "Message"},
		"InvalidParameterValueException": {Status: 400, Member: "message"},
		"TooManyRequestsException":       {Status: 429, Member: "message"},
		"ServiceException":               {Status: 500, Member: "Message"},
		"NoSuchEntity":                   {Status: 404},
	}
	rest := codecOf(t, &Service{Name: "lambda", Protocol: RestJSON1, Errors: errs})
	json := codecOf(t, &Service{Name: "logs", Protocol: AWSJSON11, Errors: errs})
	query := codecOf(t, &Service{Name: "iam", Protocol: AWSQuery, Namespace: "ns", Errors: errs})
	cases := []struct {
		name   string
		codec  *Codec
		err    *lambda.Error
		status int
		body   string
	}{
		{
			"an exception with Message", rest, lambda.Errorf("ResourceNotFoundException", "Function not found: <%s>", "f"), 404,
			`{"Type":"User","Message":"Function not found: <f>"}`,
		},
		{"an exception with message", rest, lambda.Errorf("InvalidParameterValueException", "no"), 400, `{"Type":"User","message":"no"}`},
		{"one whose text has no Type", rest, &lambda.Error{Code: "InvalidParameterValueException", Message: "no", Bare: true}, 400, `{"message":"no"}`},
		{
			"a throttle has its reason", rest, lambda.Throttled(lambda.ReasonCallerRateLimit), 429,
			`{"Type":"User","message":"Rate Exceeded.","Reason":"CallerRateLimitExceeded"}`,
		},
		{"a fault of the service", rest, lambda.Errorf("ServiceException", "sorry"), 500, `{"Type":"Service","Message":"sorry"}`},
		{
			"a front door error has no Type", rest, lambda.Errorf(lambda.CodeValidation, "1 validation error detected"), 400,
			`{"message":"1 validation error detected"}`,
		},
		{"access denied is spelt with a capital", rest, lambda.Errorf(lambda.CodeAccessDenied, "no"), 403, `{"Message":"no"}`},
		{"a status of its own", rest, &lambda.Error{Code: "ResourceNotFoundException", Message: "x", Status: 410}, 410, `{"Type":"User","Message":"x"}`},
		{"awsJson", json, lambda.Errorf("InvalidParameterValueException", "no"), 400, `{"__type":"InvalidParameterValueException","message":"no"}`},
		{
			"awsQuery", query, lambda.Errorf("NoSuchEntity", "a < b"), 404,
			`<ErrorResponse xmlns="ns"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>a &lt; b</Message></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			"awsQuery has names of its own", query, lambda.Errorf(lambda.CodeAccessDenied, "no"), 403,
			`<ErrorResponse xmlns="ns"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			"awsQuery, a fault of the service", query, lambda.Errorf(lambda.CodeService, "sorry"), 500,
			`<ErrorResponse xmlns="ns"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>sorry</Message></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tc.codec.WriteError(w, "id", tc.err)
			if w.Code != tc.status || w.Body.String() != tc.body {
				t.Errorf("got  %d %s\nwant %d %s", w.Code, w.Body, tc.status, tc.body)
			}
			if tc.codec == rest && w.Header().Get("X-Amzn-Errortype") != tc.err.Code {
				t.Errorf("x-amzn-ErrorType: got %q", w.Header().Get("X-Amzn-Errortype"))
			}
		})
	}
}

func TestFormsAreRead(t *testing.T) {
	c := stsCodec(t)
	in, err := decode(t, c, httptest.NewRequest("POST", "/", nil), "Action=AssumeRole&Version=2011-06-15&RoleArn=r"+
		"&PolicyArns.member.2.arn=second&PolicyArns.member.1.arn=first&PolicyArns.member.10.arn=tenth"+
		"&Tags.member.1.Key=k&Tags.member.1.Value=&TransitiveTagKeys=&DurationSeconds=900&Nonsense.member.1=x")
	if err != nil {
		t.Fatal(err)
	}
	got := in.(*sts.AssumeRoleInput)
	want := &sts.AssumeRoleInput{
		RoleArn: aws.String("r"), DurationSeconds: aws.Int32(900),
		PolicyArns:        []ststypes.PolicyDescriptorType{{Arn: aws.String("first")}, {Arn: aws.String("second")}, {Arn: aws.String("tenth")}},
		Tags:              []ststypes.Tag{{Key: aws.String("k"), Value: aws.String("")}},
		TransitiveTagKeys: []string{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, body := range map[string]string{
		"a word for a number":            "Action=AssumeRole&DurationSeconds=long",
		"a member of a value":            "Action=AssumeRole&RoleArn.x=1",
		"a name that is nested too deep": "Action=AssumeRole&" + strings.Repeat("a.", 40) + "=1",
	} {
		_, err := decode(t, c, httptest.NewRequest("POST", "/", nil), body)
		var e *lambda.Error
		if !errors.As(err, &e) || e.Code != lambda.CodeSerialization {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhatIsNotAnOperationIsSaid(t *testing.T) {
	cases := []struct {
		name  string
		codec *Codec
		r     *http.Request
		want  string
	}{
		{
			"an action of AWS's", stsCodec(t), httptest.NewRequest("GET", "/?Action=GetFederationToken", nil),
			"NotImplementedException: Hearth does not support sts:GetFederationToken yet.",
		},
		{
			"no action of AWS's", stsCodec(t), httptest.NewRequest("GET", "/?Action=Nonsense", nil),
			"UnknownOperationException: Could not find operation Nonsense for version 2011-06-15",
		},
		{"a target of another service", logsCodec(t), target("Dynamo.PutLogEvents"), `UnknownOperationException: The operation "Dynamo.PutLogEvents" is unknown to logs`},
		{"a target that is not served", logsCodec(t), target("Logs_20140328.StartQuery"), "NotImplementedException: Hearth does not support logs:StartQuery yet."},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := tc.codec.Match(tc.r, nil); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func target(name string) *http.Request {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("X-Amz-Target", name)
	return r
}

func TestACodecRefusesOperationsThatAWSDoesNotHave(t *testing.T) {
	_, err := NewCodec(&Service{Name: "iam", Protocol: AWSQuery, Operations: []Operation{operation[iam.GetRoleInput, iam.GetRoleOutput]("GetRoll")}})
	if err == nil || !strings.Contains(err.Error(), "GetRoll") {
		t.Errorf("got %v", err)
	}
}

// FuzzDecode holds that no body ends in a panic, whatever the protocol.
func FuzzDecode(f *testing.F) {
	f.Add(`{"FunctionName":"f","Code":{"ZipFile":"eg=="},"Environment":{"Variables":{"K":"v"}},"Timeout":1e2}`)
	f.Add(`{"logEvents":[{"message":"m","timestamp":1}],"entity":{"attributes":{"a":null}}}`)
	f.Add("Action=AssumeRole&Tags.member.1.Key=k&PolicyArns.member.x=1&DurationSeconds=9")
	f.Add(strings.Repeat(`{"Code":`, 300))
	rest, logs, query := lambdaCodec(f), logsCodec(f), stsCodec(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, tc := range []struct {
			codec *Codec
			r     *http.Request
		}{
			{rest, httptest.NewRequest("POST", "/2015-03-31/functions", nil)},
			{logs, target("Logs_20140328.PutLogEvents")},
			{query, httptest.NewRequest("POST", "/?Action=AssumeRole", nil)},
		} {
			call, err := tc.codec.Match(tc.r, []byte(body))
			if err == nil {
				_, err = call.Decode()
			}
			var e *lambda.Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("an error that is not for the caller: %v", err)
			}
		}
	})
}
