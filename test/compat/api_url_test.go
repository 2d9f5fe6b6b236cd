package compat

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPIFunctionURLsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.do(&lambda.CreateAliasInput{FunctionName: new("f"), Name: new("prod"), FunctionVersion: new("$LATEST")})
	f, arn := new("f"), apiPrefix+"function:f"
	times := `,"CreationTime":"*","LastModifiedTime":"*"`
	shows(t, a.do(&lambda.CreateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeNone}), 201,
		`{"FunctionUrl":"*","FunctionArn":"`+arn+`","AuthType":"NONE","CreationTime":"*"}`)
	shows(t, a.do(&lambda.GetFunctionUrlConfigInput{FunctionName: f}), 200, `{"FunctionUrl":"*","FunctionArn":"`+arn+`","AuthType":"NONE","InvokeMode":"BUFFERED"`+times+`}`)
	cors := `"Cors":{"AllowCredentials":true,"AllowHeaders":["x"],"AllowMethods":["GET","*"],"AllowOrigins":["https://a"],"ExposeHeaders":["y"],"MaxAge":0}`
	shows(t, a.do(&lambda.CreateFunctionUrlConfigInput{
		FunctionName: f, Qualifier: new("prod"), AuthType: types.FunctionUrlAuthTypeAwsIam, InvokeMode: types.InvokeModeResponseStream,
		Cors: &types.Cors{AllowCredentials: new(true), AllowHeaders: []string{"x"}, AllowMethods: []string{"GET", "*"}, AllowOrigins: []string{"https://a"}, ExposeHeaders: []string{"y"}, MaxAge: new(int32(0))},
	}), 201,
		`{"FunctionUrl":"*","FunctionArn":"`+arn+`:prod","AuthType":"AWS_IAM","InvokeMode":"RESPONSE_STREAM","CreationTime":"*",`+cors+`}`)
	shows(t, a.do(&lambda.ListFunctionUrlConfigsInput{FunctionName: f}), 200, `{"FunctionUrlConfigs":[
		{"FunctionUrl":"*","FunctionArn":"`+arn+`","AuthType":"NONE","InvokeMode":"BUFFERED"`+times+`},
		{"FunctionUrl":"*","FunctionArn":"`+arn+`:prod","AuthType":"AWS_IAM","InvokeMode":"RESPONSE_STREAM",`+cors+times+`}]}`)
	shows(t, a.do(&lambda.UpdateFunctionUrlConfigInput{FunctionName: f, Qualifier: new("prod"), InvokeMode: types.InvokeModeBuffered, Cors: &types.Cors{}}), 200,
		`{"FunctionUrl":"*","FunctionArn":"`+arn+`:prod","AuthType":"AWS_IAM","InvokeMode":"BUFFERED"`+times+`}`)
	gone := "Function does not exist"
	const qualifier = `Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)`
	none := types.FunctionUrlAuthTypeNone
	a.refuses(t, []refusal{
		{
			"a second one", &lambda.CreateFunctionUrlConfigInput{FunctionName: f, AuthType: none}, "ResourceConflictException",
			"Failed to create function url config for [functionArn = " + arn + "]. Error message:  FunctionUrlConfig exists for this Lambda function", false,
		},
		{"a function that is not there", &lambda.CreateFunctionUrlConfigInput{FunctionName: new("gone"), AuthType: none}, "ResourceNotFoundException", gone, false},
		{"an alias that is not there", &lambda.CreateFunctionUrlConfigInput{FunctionName: f, Qualifier: new("x"), AuthType: none}, "ResourceNotFoundException", gone, false},
		{"a version", &lambda.CreateFunctionUrlConfigInput{FunctionName: f, Qualifier: new("1"), AuthType: none}, "ValidationException", violation("'1'", "qualifier", qualifier), false},
		{"$LATEST", &lambda.CreateFunctionUrlConfigInput{FunctionName: f, Qualifier: new("$LATEST"), AuthType: none}, "ValidationException", violation("'$LATEST'", "qualifier", qualifier), false},
		{"no kind of authentication", request{"POST", "/2021-10-31/functions/f/url", `{}`}, "ValidationException", violation("null", "authType", "Member must not be null"), false},
		{"an update of a function that is not there", &lambda.UpdateFunctionUrlConfigInput{FunctionName: new("gone")}, "ResourceNotFoundException", gone, false},
		{"a list of a function that is not there", &lambda.ListFunctionUrlConfigsInput{FunctionName: new("gone")}, "ResourceNotFoundException", gone, false},
		{"a read of none", &lambda.GetFunctionUrlConfigInput{FunctionName: new("gone")}, "ResourceNotFoundException", "The resource you requested does not exist.", false},
		{"a deletion of none", &lambda.DeleteFunctionUrlConfigInput{FunctionName: f, Qualifier: new("x")}, "ResourceNotFoundException", "The resource you requested does not exist.", false},
		{
			"an origin that is too long", &lambda.UpdateFunctionUrlConfigInput{FunctionName: f, Cors: &types.Cors{AllowOrigins: []string{strings.Repeat("o", 254)}}}, "ValidationException",
			violation("'["+strings.Repeat("o", 254)+"]'", "cors.allowOrigins", "Member must satisfy constraint: [Member must have length less than or equal to 253, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: .*, Member must not be null]"), false,
		},
	})
	first, err := a.GetFunctionUrlConfig(t.Context(), &lambda.GetFunctionUrlConfigInput{FunctionName: f})
	if err != nil || !strings.HasSuffix(*first.FunctionUrl, "/") {
		t.Errorf("got %v %v, want a URL that ends in a slash", first, err)
	}
	shows(t, a.do(&lambda.DeleteFunctionUrlConfigInput{FunctionName: f}), 204, "")
	again, err := a.CreateFunctionUrlConfig(t.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: f, AuthType: none})
	if err != nil || *again.FunctionUrl == *first.FunctionUrl {
		t.Errorf("got %v %v, want another URL than before", again, err)
	}
}
